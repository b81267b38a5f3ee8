#ifndef DAEMON_HEALTH_TRENDS_H_
#define DAEMON_HEALTH_TRENDS_H_

#include <algorithm>
#include <cstddef>
#include <deque>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "daemon/health/finding.h"
#include "daemon/registry/registry_event.h"
#include "daemon/registry/resources.h"

namespace sasd::health {

struct TrendLimits {
  // FLAPPING: so often an object went away within the window.
  size_t flaps = 3;
  absl::Duration flap_window = absl::Minutes(10);
  // REPEATED_RESETS, REPEATED_GAPS: of one host.
  size_t resets = 3, gaps = 3;
  absl::Duration host_window = absl::Hours(1);
};

// What happens again and again, counted from events and never from polling. Times are those of a
// monotonic clock. Thread-safe.
class Trends {
 public:
  explicit Trends(TrendLimits limits = {}) : limits_(limits) {}

  // O(changed).
  void Take(const registry::RegistryEvent& event, absl::Duration now) ABSL_LOCKS_EXCLUDED(mu_);

  // What happened longer ago does not count.
  absl::Duration longest_window() const {
    return std::max(limits_.flap_window, limits_.host_window);
  }

  // FLAPPING, REPEATED_RESETS, REPEATED_GAPS. Forgets what is older than the windows.
  std::vector<Finding> FindingsAt(absl::Duration now) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // So many objects are followed at most; a storm that is larger flaps as a whole.
  static constexpr size_t kMaxFollowed = 65'536;

  struct Times {
    std::deque<absl::Duration> times;  // ascending, at most the limit
    registry::HostList hosts;
    NodeKey parent;  // of an expander or end device
  };

  static void Add(Times& times, absl::Duration now, size_t limit);
  static constexpr int kMaxChain = 64;

  std::optional<FindingId> CauseOf(FindingId id) const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  size_t LimitOf(FindingReason reason) const;
  absl::Duration WindowOf(FindingReason reason) const;

  const TrendLimits limits_;
  mutable absl::Mutex mu_;  // a leaf
  absl::btree_map<FindingId, Times> followed_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sasd::health

#endif  // DAEMON_HEALTH_TRENDS_H_
