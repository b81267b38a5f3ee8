#ifndef DAEMON_SERVICE_HISTORY_READER_H_
#define DAEMON_SERVICE_HISTORY_READER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "daemon/service/cancelled.h"
#include "daemon/watch/encoded_event.h"
#include "driver/observation/observation.h"

namespace sasd::service {

// Which events to read. All that is set must hold.
struct HistoryQuery {
  int64_t after = 0;  // only revisions above it; 0: from the oldest on
  int64_t until = 0;  // only revisions below it; 0: to the newest
  bool newest_first = false;
  size_t limit = 1000;               // of rows
  size_t max_bytes = 4u << 20;       // of their events, about; one row at least
  std::vector<std::string> objects;  // resource names, any of; empty: all events
  uint32_t causes = 0;               // a bit (1 << number) for each CauseKind; 0: all
  Notice::Severity minimum_severity = Notice::Severity::kInfo;
  // By the clock of the node, [start, end). The clock may have jumped: a time has no place in the
  // order of the revisions.
  absl::Time start = absl::InfinitePast();
  absl::Time end = absl::InfiniteFuture();
};

// Revisions whose events are lost. `reason`: the number of sas.v1.GapReason.
struct HistoryGap {
  int64_t first = 0;
  int64_t last = 0;
  int reason = 0;
};

struct HistoryPage {
  std::vector<watch::EncodedEventPtr> events;  // in the order asked for
  // All gaps in the stretch that was examined, also where no event passes. In the same order.
  std::vector<HistoryGap> gaps;
  // True: nothing of the query is left. Else the next page has `after` (newest first: `until`) =
  // `position`. A page may be empty and not the last.
  bool done = true;
  int64_t position = 0;
};

// How far the history reaches.
struct HistoryExtent {
  int64_t begin = 0;   // the least revision after which it is whole but for declared gaps
  int64_t oldest = 0;  // the first event; newest + 1 if there is none
  int64_t newest = 0;  // the last event that anybody may see
  absl::Time oldest_time = absl::InfiniteFuture();  // of the first event; if there is none, this
};

// The last known state of an object that is gone.
struct RemovedState {
  absl::string_view name;      // its resource name
  absl::string_view resource;  // an encoded sas.v1.Resource
  int64_t revision = 0;        // of the removal
};

// The past of the node, wherever it is kept. Thread-safe. May wait for a disk: not for the threads
// that serve live clients. What was cancelled returns kCancelled.
class HistoryReader {
 public:
  virtual ~HistoryReader() = default;

  // Errors: those of the disk.
  virtual absl::StatusOr<HistoryExtent> Extent() const = 0;
  // Never returns an event twice or out of order over the pages of a query. If the history begins
  // later than `after`, so does the page: compare with Extent().
  virtual absl::StatusOr<HistoryPage> Read(const HistoryQuery& query,
                                           Cancelled cancelled = NeverCancelled) const = 0;
  // Calls `visit` once for each object that was removed, as far as is known, with its last removal,
  // in any order. It may have come back since: ask the topology. The views are valid during the
  // call.
  virtual absl::Status VisitRemoved(const std::function<void(const RemovedState&)>& visit,
                                    Cancelled cancelled = NeverCancelled) const = 0;
};

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_HISTORY_READER_H_
