#ifndef DAEMON_SERVICE_TIMELINE_H_
#define DAEMON_SERVICE_TIMELINE_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "daemon/service/history_reader.h"
#include "sas/v1/events.pb.h"
#include "sas/v1/history_service.pb.h"
#include "sas/v1/resources.pb.h"

// The story of one object, out of events. Pure functions.
namespace sasd::service {

// Which resources belong to a story: some always, and what sat in a slot while it sat there.
struct TimelineScope {
  absl::flat_hash_set<std::string> always;
  // Name -> stretches of revisions, both ends included.
  absl::flat_hash_map<std::string, std::vector<std::pair<int64_t, int64_t>>> meanwhile;

  bool Includes(const std::string& name, int64_t revision) const;
  // All names, ascending.
  std::vector<std::string> Names() const;
};

// What an event did to the objects in scope, in the order of the event; of what follows from one
// another only the cause: a drive that goes takes its paths with it. New handles are no entry, but
// a host reset is.
std::vector<sas::v1::TimelineEntry> TimelineEntriesOf(const sas::v1::Event& event,
                                                      const TimelineScope& scope);

// The entry for lost history.
sas::v1::TimelineEntry TimelineEntryOf(const HistoryGap& gap);

// "because": the clause of a cause that names the object, else its first clause.
std::string CauseTextFor(const sas::v1::Resource& resource, const sas::v1::Cause& cause);

// A placement, and what it was made of.
struct Placed {
  sas::v1::Placement placement;
  int64_t first_revision = 0, last_revision = 0;  // of the events; INT64_MAX while it lasts
  std::vector<std::string> names;                 // the drive and its paths
};

// Where a drive has been, or who sat in a slot: `events` about the drive or slot `name`, ascending
// by revision. `now`: its present state; not set if it is gone. Oldest first. A drive outside of
// enclosures has none.
std::vector<Placed> PlacementsOf(absl::string_view name, absl::Span<const sas::v1::Event> events,
                                 const sas::v1::Resource& now);

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_TIMELINE_H_
