#include "daemon/memory/recent_events.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "daemon/registry/resources.h"
#include "daemon/service/from_proto.h"
#include "daemon/service/names.h"
#include "sas/v1/events.pb.h"
#include "spdlog/spdlog.h"

namespace sasd::memory {
namespace {

constexpr size_t kPageRows = 1000;

// Whether trends count what happened to such a resource.
bool IsFollowed(registry::ResourceKind kind) {
  return kind == registry::ResourceKind::kHost || kind == registry::ResourceKind::kExpander ||
         kind == registry::ResourceKind::kEndDevice;
}

std::optional<CauseKind> FollowedCause(uint8_t cause) {
  if (cause == sas::v1::CAUSE_KIND_HOST_RESET) return CauseKind::kHostReset;
  if (cause == sas::v1::CAUSE_KIND_RESYNC) return CauseKind::kResync;
  return std::nullopt;
}

bool HasFollowedRemoval(const journal::EventRow& row) {
  return std::any_of(row.objects.begin(), row.objects.end(), [](const auto& object) {
    return object.change == sas::v1::CHANGE_KIND_REMOVED &&
           IsFollowed(static_cast<registry::ResourceKind>(object.kind));
  });
}

template <typename T, typename Message>
void AddRemoval(const Message& message, registry::RegistryEvent& event) {
  absl::StatusOr<T> resource = service::FromProto(message);
  if (!resource.ok()) {
    spdlog::warn("revision {} does not count for trends: {}", event.revision,
                 std::string(resource.status().message()));
    return;
  }
  event.changes.push_back(
      {std::make_shared<const T>(*std::move(resource)), std::shared_ptr<const T>()});
}

std::optional<registry::RegistryEvent> Followed(const journal::EventRow& row) {
  const std::optional<CauseKind> cause = FollowedCause(row.cause);
  const bool removes = HasFollowedRemoval(row);
  sas::v1::Event message;
  if ((!cause && !removes) || !message.ParseFromString(row.payload)) return std::nullopt;
  registry::RegistryEvent event;
  event.revision = row.revision;
  event.time = absl::FromUnixNanos(row.unix_nanos);
  if (cause) event.cause.kind = *cause;
  const absl::StatusOr<HostKey> host = service::ParseHostName(message.cause().host());
  if (host.ok()) event.host = *host;
  for (const sas::v1::Change& change : message.changes()) {
    if (change.kind() != sas::v1::CHANGE_KIND_REMOVED) continue;
    const sas::v1::Resource& resource = change.resource();
    if (resource.has_host()) AddRemoval<registry::Host>(resource.host(), event);
    if (resource.has_expander()) AddRemoval<registry::Expander>(resource.expander(), event);
    if (resource.has_end_device()) {
      sas::v1::EndDevice device = resource.end_device();
      device.set_state(change.previous().end_device().state());  // instead of GONE
      AddRemoval<registry::EndDevice>(device, event);
    }
  }
  return event;
}

}  // namespace

absl::StatusOr<std::vector<registry::RegistryEvent>> ReadRecentEvents(
    journal::Journal& journal, const RecentEventsOptions& options) {
  std::vector<registry::RegistryEvent> events;
  journal::Query query;
  query.newest_first = true;
  query.limit = kPageRows;
  query.with_objects = true;
  query.start_nanos = absl::ToUnixNanos(options.since);
  query.end_nanos = absl::ToUnixNanos(options.now) + 1;
  query.max_examined = options.most_rows;
  for (size_t rows = 0; rows < options.most_rows;) {
    absl::StatusOr<journal::Page> page = journal.Read(query);
    if (!page.ok()) return page.status();
    rows += page->rows.size();
    for (const journal::EventRow& row : page->rows) {
      if (std::optional<registry::RegistryEvent> event = Followed(row)) {
        events.push_back(*std::move(event));
      }
    }
    // A page without rows has examined all that may be.
    if (!page->more || page->rows.empty()) break;
    query.until = page->next;
  }
  std::reverse(events.begin(), events.end());
  return events;
}

}  // namespace sasd::memory
