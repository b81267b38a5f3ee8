#ifndef DAEMON_MEMORY_RECENT_EVENTS_H_
#define DAEMON_MEMORY_RECENT_EVENTS_H_

#include <cstddef>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daemon/journal/journal.h"
#include "daemon/registry/registry_event.h"

namespace sasd::memory {

struct RecentEventsOptions {
  absl::Time since;  // by the wall clock, as `now`
  absl::Time now;    // later events are left out: their clock was another one
  size_t most_rows = 20'000;
};

// The journal's events since then as trends count them: revision, time, cause, host, and the
// removals of hosts, expanders and end devices. Events without any of what trends count are left
// out. Oldest first. Reads the newest `most_rows` rows at most, so that a start after a storm does
// not wait. A damaged row is left out. Errors: those of Journal::Read().
absl::StatusOr<std::vector<registry::RegistryEvent>> ReadRecentEvents(
    journal::Journal& journal, const RecentEventsOptions& options);

}  // namespace sasd::memory

#endif  // DAEMON_MEMORY_RECENT_EVENTS_H_
