#ifndef DAEMON_WATCH_EVENT_ARCHIVE_H_
#define DAEMON_WATCH_EVENT_ARCHIVE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/watch/encoded_event.h"

namespace sasd::watch {

// Published events that the log's memory no longer has. Thread-safe. Every call may wait for a
// disk.
class EventArchive {
 public:
  struct Page {
    // Ascending. An event that cannot be read is missing: then the next one's previous_revision()
    // is not the one before it.
    std::vector<EncodedEventPtr> events;
    int64_t floor = 0;  // the least revision from which one can resume
  };
  // Revisions that no event has.
  struct Gap {
    int64_t first = 0, last = 0;
  };

  virtual ~EventArchive() = default;

  // Events with after < revision < until: at most `max_events`, and no more once they have
  // `max_bytes` together (at least one if there is one). Below the floor, the first ones there are.
  // Errors: those of the disk.
  virtual absl::StatusOr<Page> ReadAfter(int64_t after, int64_t until, size_t max_events,
                                         size_t max_bytes) = 0;
  // The declared gap that contains the revision, also one that the next event will declare;
  // nullopt: none. Errors: those of the disk.
  virtual absl::StatusOr<std::optional<Gap>> FindGap(int64_t revision) = 0;
};

}  // namespace sasd::watch

#endif  // DAEMON_WATCH_EVENT_ARCHIVE_H_
