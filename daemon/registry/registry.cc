#include "daemon/registry/registry.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace sasd::registry {
namespace {

constexpr size_t kMaxRemovals = 4096;

absl::string_view ToString(DiscoveryState state) {
  switch (state) {
    case DiscoveryState::kIdle:
      return "discovery has not started";
    case DiscoveryState::kInProgress:
      return "discovery is in progress";
    case DiscoveryState::kSettled:
      return "discovery has settled";
    case DiscoveryState::kFailed:
      return "discovery failed";
    case DiscoveryState::kRecovering:
      return "the host is recovering";
  }
  return "discovery is in an unknown state";
}

int64_t IsMoving(const EndDevice* device) {
  if (device == nullptr) return 0;
  const DeviceState state = device->facts.state;
  return state == DeviceState::kDiscovered || state == DeviceState::kAttaching ||
                 state == DeviceState::kRemoving
             ? 1
             : 0;
}

// The hosts that an event is about, each once.
std::vector<HostKey> HostsOf(const RegistryEvent& event) {
  std::vector<HostKey> hosts;
  const auto add = [&hosts](HostKey host) {
    if (host == HostKey()) return;
    if (std::find(hosts.begin(), hosts.end(), host) == hosts.end()) hosts.push_back(host);
  };
  add(event.host);
  for (const Change& change : event.changes) {
    for (const ResourceRef& state : {change.before, change.after}) {
      if (IsNull(state)) continue;
      for (const HostKey host : registry::HostsOf(state)) add(host);
    }
  }
  return hosts;
}

}  // namespace

std::string MakeEpoch(const std::function<uint64_t()>& random) {
  return absl::StrFormat("%016x", random());
}

Registry::Registry(Options options)
    : epoch_(std::move(options.epoch)),
      keep_enclosures_(std::move(options.keep_enclosures)),
      writer_(options.restored
                  ? std::make_unique<Writer>(*std::move(options.restored), *options.sources,
                                             std::move(options.enclosure_copies),
                                             std::move(options.aliases))
                  : std::make_unique<Writer>(options.start_revision, *options.sources,
                                             std::move(options.enclosure_copies),
                                             std::move(options.aliases))),
      committed_(writer_->revision()) {
  absl::MutexLock write_lock(&write_mu_);
  absl::MutexLock lock(&mu_);
  snapshot_ = MakeSnapshot();
  for (const auto& host : snapshot_->collection<Host>()) FollowHost(nullptr, host.get());
  for (const auto& device : snapshot_->collection<EndDevice>()) FollowDevice(nullptr, device.get());
}

Registry::~Registry() = default;

void Registry::Observe(ObservationBatch batch) {
  Commit([&](Writer& writer) { return writer.Apply(std::move(batch)); });
  events_.AwaitRoom();
}

void Registry::BeginRestart(absl::Time time) {
  Commit([time](Writer& writer) { return writer.BeginRestart(time); });
}

void Registry::Reserve(absl::Span<const std::shared_ptr<const LogicalUnit>> drives) {
  absl::MutexLock lock(&write_mu_);
  for (const auto& drive : drives) writer_->Reserve(*drive);
}

void Registry::Compare(HostComparison comparison) {
  Commit([&](Writer& writer) { return writer.Compare(std::move(comparison)); });
  events_.AwaitRoom();
}

template <typename Apply>
void Registry::Commit(Apply apply) {
  std::vector<EnclosureCopies::Row> names;
  {
    absl::MutexLock write_lock(&write_mu_);
    std::shared_ptr<RegistryEvent> event = apply(*writer_);
    if (event == nullptr) {
      // What only the registry knows may have changed.
      std::shared_ptr<const Topology> after = MakeSnapshot();
      absl::MutexLock lock(&mu_);
      if (committed_ == snapshot_->revision()) snapshot_.swap(after);
      return;
    }
    for (; event != nullptr; event = writer_->SeparateEnclosures()) Queue(std::move(event));
    names = writer_->enclosure_copies().TakeChanges();
  }
  if (!names.empty() && keep_enclosures_ != nullptr) keep_enclosures_(names);
}

void Registry::Queue(std::shared_ptr<RegistryEvent> event) {
  const std::vector<HostKey> hosts = HostsOf(*event);
  {
    absl::MutexLock lock(&mu_);
    committed_ = event->revision;
    for (const HostKey host : hosts) unpublished_[host] = event->revision;
  }
  events_.Push({std::move(event), MakeSnapshot()});
}

int64_t Registry::Annotate(Cause cause, std::vector<EventNotice> notices, absl::Time time,
                           std::shared_ptr<const AuditRecord> audit) {
  int64_t revision = 0;
  {
    absl::MutexLock write_lock(&write_mu_);
    std::shared_ptr<RegistryEvent> event =
        writer_->Annotate(std::move(cause), std::move(notices), time);
    event->audit = std::move(audit);
    revision = event->revision;
    {
      absl::MutexLock lock(&mu_);
      committed_ = revision;
    }
    events_.Push({std::move(event), MakeSnapshot()});
  }
  events_.Ask();
  return revision;
}

std::optional<int64_t> Registry::SetAliases(Aliases aliases, Cause cause, absl::Time time) {
  std::optional<int64_t> revision;
  {
    absl::MutexLock write_lock(&write_mu_);
    std::shared_ptr<RegistryEvent> event =
        writer_->SetAliases(std::move(aliases), std::move(cause), time);
    if (event == nullptr) return std::nullopt;
    revision = event->revision;
    Queue(std::move(event));
  }
  events_.Ask();
  return revision;
}

void Registry::Publish(absl::Span<const CommittedEvent> events) {
  if (events.empty()) return;
  std::shared_ptr<const Topology> snapshot = events.back().after;
  absl::MutexLock lock(&mu_);
  for (const CommittedEvent& committed : events) {
    const RegistryEvent& event = *committed.event;
    if (event.cause.kind == CauseKind::kResync) lost_events_ += event.cause.lost_events;
    FollowHosts(event);
    RememberRemovals(event);
  }
  snapshot_.swap(snapshot);  // the old one is freed without the lock
  absl::erase_if(unpublished_, [revision = snapshot_->revision()](const auto& entry) {
    return entry.second <= revision;
  });
}

void Registry::FollowHosts(const RegistryEvent& event) {
  for (const Change& change : event.changes) {
    if (const auto* device = std::get_if<IndexOf<EndDevice>()>(&change.after)) {
      FollowDevice(std::get<IndexOf<EndDevice>()>(change.before).get(), device->get());
    } else if (const auto* host = std::get_if<IndexOf<Host>()>(&change.after)) {
      FollowHost(std::get<IndexOf<Host>()>(change.before).get(), host->get());
    }
  }
  absl::erase_if(hosts_,
                 [](const auto& entry) { return !entry.second.known && entry.second.moving == 0; });
}

void Registry::FollowDevice(const EndDevice* before, const EndDevice* after) {
  const int64_t difference = IsMoving(after) - IsMoving(before);
  if (difference == 0) return;
  hosts_[(after != nullptr ? after : before)->key().host].moving += difference;
}

void Registry::FollowHost(const Host* before, const Host* after) {
  HostProgress& progress = hosts_[(after != nullptr ? after : before)->key()];
  progress.known = after != nullptr;
  if (after == nullptr) return;
  progress.state = after->discovery.state;
  progress.status_text = after->discovery.status_text;
  progress.stale = after->stale;
}

void Registry::RememberRemovals(const RegistryEvent& event) {
  for (const Change& change : event.changes) {
    if (change.kind() != ChangeKind::kRemoved) continue;
    if (removals_.size() >= kMaxRemovals) removals_.pop_front();
    removals_.push_back({IdOf(change.before), event.revision, event.time});
  }
}

std::shared_ptr<const Topology> Registry::MakeSnapshot() const {
  return std::make_shared<const Topology>(writer_->tables(), writer_->revision(), epoch_,
                                          writer_->sources());
}

std::shared_ptr<const Topology> Registry::Snapshot() const {
  absl::ReaderMutexLock lock(&mu_);
  return snapshot_;
}

int64_t Registry::revision() const {
  absl::ReaderMutexLock lock(&mu_);
  return snapshot_->revision();
}

int64_t Registry::committed_revision() const {
  absl::ReaderMutexLock lock(&mu_);
  return committed_;
}

void Registry::SetPending(bool pending) {
  absl::MutexLock lock(&mu_);
  pending_ = pending;
}

int64_t Registry::lost_events() const {
  absl::ReaderMutexLock lock(&mu_);
  return lost_events_;
}

std::vector<UnsettledHost> Registry::Unsettled(absl::Span<const HostKey> hosts) const {
  absl::ReaderMutexLock lock(&mu_);
  return UnsettledLocked(hosts);
}

std::vector<UnsettledHost> Registry::UnsettledLocked(absl::Span<const HostKey> hosts) const {
  std::vector<UnsettledHost> unsettled;
  const std::string unpublished = "its changes are not published yet";
  const auto look_at = [&](HostKey host,
                           const HostProgress& progress) ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    if (progress.stale) {
      unsettled.push_back(
          {host, "the host is not compared with the picture from before the restart"});
    } else if (progress.state != DiscoveryState::kSettled) {
      std::string reason(ToString(progress.state));
      if (!progress.status_text.empty()) absl::StrAppend(&reason, ": ", progress.status_text);
      unsettled.push_back({host, std::move(reason)});
    } else if (progress.moving > 0) {
      unsettled.push_back(
          {host, absl::StrCat(progress.moving, " end devices are being attached or removed")});
    } else if (pending_) {
      unsettled.push_back({host, "uevents of the kernel are not processed yet"});
    } else if (unpublished_.contains(host)) {
      unsettled.push_back({host, unpublished});
    }
  };
  for (const auto& [host, progress] : hosts_) {
    if (hosts.empty() && progress.known) look_at(host, progress);
  }
  const auto is_known = [&](HostKey host) ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    const auto it = hosts_.find(host);
    return it != hosts_.end() && it->second.known;
  };
  for (const auto& [host, revision] : unpublished_) {
    if (hosts.empty() && !is_known(host)) unsettled.push_back({host, unpublished});
  }
  for (const HostKey host : hosts) {
    if (is_known(host)) {
      look_at(host, hosts_.at(host));
    } else {
      unsettled.push_back({host, "the host is not known"});
    }
  }
  return unsettled;
}

// As look_at() in UnsettledLocked(), without the words.
bool Registry::IsSettledLocked(const Host::Key& host, const HostProgress& progress) const {
  return progress.known && !progress.stale && progress.state == DiscoveryState::kSettled &&
         progress.moving <= 0 && !pending_ && !unpublished_.contains(host);
}

bool Registry::IsSettled(const Host::Key& host) const {
  absl::ReaderMutexLock lock(&mu_);
  const auto it = hosts_.find(host);
  return it != hosts_.end() && IsSettledLocked(host, it->second);
}

bool Registry::AllSettled() const {
  absl::ReaderMutexLock lock(&mu_);
  if (!unpublished_.empty()) return false;
  for (const auto& [host, progress] : hosts_) {
    if (progress.known && !IsSettledLocked(host, progress)) return false;
  }
  return true;
}

absl::StatusOr<int64_t> Registry::WaitSettled(absl::Span<const HostKey> hosts,
                                              absl::Duration timeout) const {
  const auto settled = [this, hosts]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return UnsettledLocked(hosts).empty();
  };
  absl::ReaderMutexLock lock(&mu_);
  if (mu_.AwaitWithTimeout(absl::Condition(&settled), timeout)) {
    return snapshot_->revision();
  }
  return absl::DeadlineExceededError(absl::StrCat(
      "not settled after ", absl::FormatDuration(timeout), ": ",
      absl::StrJoin(UnsettledLocked(hosts), "; ", [](std::string* out, const UnsettledHost& host) {
        absl::StrAppend(out, "host ", ToText(host.host), ": ", host.reason);
      })));
}

absl::Status Registry::WaitForRevision(int64_t revision, absl::Duration timeout) const {
  const auto reached = [this, revision]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return snapshot_->revision() >= revision;
  };
  absl::ReaderMutexLock lock(&mu_);
  if (mu_.AwaitWithTimeout(absl::Condition(&reached), timeout)) return absl::OkStatus();
  return absl::DeadlineExceededError(absl::StrCat("revision ", revision, " not reached after ",
                                                  absl::FormatDuration(timeout), ": it is ",
                                                  snapshot_->revision()));
}

std::optional<Removal> Registry::LastRemoval(const ResourceId& id) const {
  absl::ReaderMutexLock lock(&mu_);
  const auto found = std::find_if(removals_.rbegin(), removals_.rend(),
                                  [&id](const Removal& removal) { return removal.id == id; });
  if (found == removals_.rend()) return std::nullopt;
  return *found;
}

}  // namespace sasd::registry
