#include "daemon/service/event_view.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/call_once.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "daemon/service/names.h"
#include "daemon/service/resource_text.h"
#include "daemon/service/wire.h"
#include "google/protobuf/arena.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace sasd::service {
namespace {

using google::protobuf::Arena;
using google::protobuf::Message;
using sas::v1::Change;
using sas::v1::Resource;

// Kept views have at most so many events, of so many bytes together; one at least.
constexpr size_t kRecentEvents = 32, kRecentBytes = 1 << 20;

// The message of the kind in a state; empty if the state is of another.
const Message& InnerOf(const Resource& state, registry::ResourceKind kind) {
  return state.GetReflection()->GetMessage(
      state, Resource::descriptor()->FindFieldByNumber(static_cast<int>(kind)));
}

void AddHost(absl::string_view name, registry::HostList& hosts) {
  if (const std::optional<HostKey> host = HostIn(name)) hosts.push_back(*host);
}

void AddHosts(const google::protobuf::RepeatedPtrField<std::string>& names,
              registry::HostList& hosts) {
  for (const std::string& name : names) AddHost(name, hosts);
}

Change Addition(const Change& change) {
  Change addition;
  addition.set_kind(sas::v1::CHANGE_KIND_ADDED);
  *addition.mutable_resource() = change.resource();
  addition.set_severity(change.severity());
  return addition;
}

Change Departure(const Change& change, const Resource& before) {
  Change departure;
  departure.set_kind(sas::v1::CHANGE_KIND_REMOVED);
  *departure.mutable_resource() = before;
  departure.set_severity(change.severity());
  departure.set_left_filter(true);
  return departure;
}

class DecodedEvent final : public watch::EventView {
 public:
  explicit DecodedEvent(watch::EncodedEventPtr event)
      : event_(std::move(event)), pieces_(event_->piece_count()) {}

  const Message& Before(size_t i) const override {
    return InnerOf(BeforeOf(i), event_->piece(i).kind);
  }
  const Message& After(size_t i) const override {
    return InnerOf(ChangeOf(i).resource(), event_->piece(i).kind);
  }
  absl::string_view Bytes(size_t i, watch::Form form) const override {
    if (form == watch::Form::kAsItIs) return event_->piece_bytes(i);
    Piece& piece = pieces_[i];
    if (form == watch::Form::kAddition) {
      absl::call_once(piece.added, [&] { Encode(Addition(ChangeOf(i)), piece.addition); });
      return piece.addition;
    }
    absl::call_once(piece.departed,
                    [&] { Encode(Departure(ChangeOf(i), BeforeOf(i)), piece.departure); });
    return piece.departure;
  }

 private:
  struct Piece {
    absl::once_flag decoded, rewound, added, departed;
    const Change* change = nullptr;
    Resource before;
    std::string addition, departure;
  };

  static void Encode(const Change& change, std::string& out) {
    AppendMessage(sas::v1::Event::kChangesFieldNumber, change, out);
  }

  const Change& ChangeOf(size_t i) const {
    Piece& piece = pieces_[i];
    absl::call_once(piece.decoded, [&] {
      // A piece is the field Event.changes.
      const absl::string_view bytes = event_->piece_bytes(i);
      auto* const event = Arena::CreateMessage<sas::v1::Event>(&arena_);
      event->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
      piece.change = event->changes_size() > 0 ? &event->changes(0) : &Change::default_instance();
    });
    return *piece.change;
  }

  const Resource& BeforeOf(size_t i) const {
    Piece& piece = pieces_[i];
    absl::call_once(piece.rewound, [&] { piece.before = StateBefore(ChangeOf(i)); });
    return piece.before;
  }

  const watch::EncodedEventPtr event_;
  mutable Arena arena_;  // allocates in any thread
  mutable std::vector<Piece> pieces_;
};

}  // namespace

std::optional<HostKey> HostIn(absl::string_view name) {
  constexpr absl::string_view kHosts = "hosts/";
  if (!absl::StartsWith(name, kHosts)) return std::nullopt;
  const absl::StatusOr<HostKey> host = ParseHostName(name.substr(0, name.find('/', kHosts.size())));
  if (!host.ok()) return std::nullopt;
  return *host;
}

registry::HostList HostsOf(const Resource& resource) {
  registry::HostList hosts;
  switch (resource.resource_case()) {
    case Resource::kHost:
      AddHost(resource.host().name(), hosts);
      break;
    case Resource::kPhy:
      AddHost(resource.phy().name(), hosts);
      break;
    case Resource::kPort:
      AddHost(resource.port().name(), hosts);
      break;
    case Resource::kExpander:
      AddHost(resource.expander().name(), hosts);
      break;
    case Resource::kEndDevice:
      AddHost(resource.end_device().name(), hosts);
      break;
    case Resource::kLogicalUnit:
      for (const sas::v1::Path& path : resource.logical_unit().paths()) AddHost(path.host(), hosts);
      break;
    case Resource::kEnclosure:
      AddHosts(resource.enclosure().hosts(), hosts);
      break;
    case Resource::kSlot:
      AddHosts(resource.slot().hosts(), hosts);
      break;
    case Resource::RESOURCE_NOT_SET:
      break;
  }
  std::sort(hosts.begin(), hosts.end());
  hosts.erase(std::unique(hosts.begin(), hosts.end()), hosts.end());
  return hosts;
}

void Describe(const Change& change, watch::EncodedEvent::Piece* piece) {
  piece->kind = static_cast<registry::ResourceKind>(change.resource().resource_case());
  piece->change = static_cast<registry::ChangeKind>(change.kind());  // the numbers are equal
  if (change.kind() != sas::v1::CHANGE_KIND_REMOVED)
    piece->hosts_after = HostsOf(change.resource());
  if (change.kind() == sas::v1::CHANGE_KIND_ADDED) return;
  piece->hosts_before = HostsOf(StateBefore(change));
}

bool ApplyFilter(const watch::Filter& filter, Change* change) {
  const auto passes = [&filter](const Resource& state) {
    return filter.Passes(static_cast<registry::ResourceKind>(state.resource_case()), HostsOf(state),
                         InnerOf(state));
  };
  const Resource state_before = StateBefore(*change);
  const bool before = change->kind() != sas::v1::CHANGE_KIND_ADDED && passes(state_before);
  const bool after = change->kind() != sas::v1::CHANGE_KIND_REMOVED && passes(change->resource());
  if (!before && !after) return false;
  if (change->kind() != sas::v1::CHANGE_KIND_MODIFIED || before == after) return true;
  *change = after ? Addition(*change) : Departure(*change, state_before);
  return true;
}

std::shared_ptr<const watch::EventView> RecentEventViews::Of(const watch::EncodedEventPtr& event) {
  std::vector<Recent> dropped;  // freed without the lock
  absl::MutexLock lock(&mu_);
  for (auto it = recent_.rbegin(); it != recent_.rend(); ++it) {
    if (it->event == event) return it->view;
  }
  recent_.push_back({event, std::make_shared<const DecodedEvent>(event)});
  bytes_ += event->all().size();
  while (recent_.size() > 1 && (recent_.size() > kRecentEvents || bytes_ > kRecentBytes)) {
    bytes_ -= recent_.front().event->all().size();
    dropped.push_back(std::move(recent_.front()));
    recent_.pop_front();
  }
  return recent_.back().view;
}

}  // namespace sasd::service
