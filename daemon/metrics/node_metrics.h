#ifndef DAEMON_METRICS_NODE_METRICS_H_
#define DAEMON_METRICS_NODE_METRICS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "daemon/health/monitor.h"
#include "daemon/metrics/call_latencies.h"
#include "daemon/metrics/event_counter.h"
#include "daemon/metrics/exposition.h"
#include "daemon/metrics/latencies.h"
#include "daemon/registry/registry.h"
#include "daemon/watch/watch_log.h"
#include "rpc/limits.h"

namespace sasd::metrics {

// The journal in numbers.
struct JournalFacts {
  absl::string_view state;  // "none", "ok", "stalled", "refused"
  // Without a journal, the rest is 0.
  int64_t used_bytes = 0, max_bytes = 0;
  int64_t log_bytes = 0;            // of the write-ahead log, not yet copied back
  int64_t last_revision = 0;        // that is written
  int64_t checkpoint_revision = 0;  // of the stored state
  absl::Duration longest_sync;
};

// How long calls of a method have held a thread, at most.
struct CallHold {
  std::string method;  // "sas.v1.NodeService/GetNode"
  absl::Duration wall, cpu;
};

// Whether nobody wants the metrics any more. It may also let other work go on first.
using Stop = absl::FunctionRef<bool()>;
inline bool NeverStop() { return false; }

// Makes the metrics of a node, from snapshots and counters alone: no device, no disk, no writer
// waits. Thread-safe.
class NodeMetrics {
 public:
  // At most so many series without those of single objects; docs/metrics.md lists all.
  static constexpr size_t kMaxSeries = 150;
  // At most so many findings have a series of their own, the most severe ones.
  static constexpr size_t kMaxFindings = 30;
  // Nor more aliases; with the series of single objects, all.
  static constexpr size_t kMaxAliases = 15;

  struct Sources {
    // Borrowed for the lifetime.
    registry::Registry* registry = nullptr;
    watch::WatchLog* log = nullptr;
    health::Monitor* health = nullptr;
    const rpc::LimitBook* limits = nullptr;
    const EventCounter* events = nullptr;
    const Latencies* record = nullptr;
    const CallLatencies* calls = nullptr;
    // Thread-safe; none waits for a disk.
    std::function<JournalFacts()> journal;
    std::function<std::vector<CallHold>()> holds;  // of those from a millisecond on
    std::function<std::string(const registry::ResourceId&)> name_of;
    std::string version;
    absl::Time start_time;
  };

  explicit NodeMetrics(Sources sources) : sources_(std::move(sources)) {}

  // In Prometheus' text format. `objects`: also two series for each drive, all aliases, and for
  // each method of the API a histogram and two more. O(n) in drives, and in what health examines if
  // something has changed since it last did. Asks `stop` every 128 drives that it shows; once it is
  // true, the text means nothing.
  Exposition Collect(bool objects, Stop stop = NeverStop) const;

 private:
  void AddNode(const registry::Topology& topology, Exposition& out) const;
  void AddAliases(const registry::Topology& topology, bool all, Exposition& out) const;
  void AddHealth(const registry::Topology& topology, Exposition& out) const;
  void AddDaemon(const registry::Topology& topology, Exposition& out) const;
  void AddMethods(Exposition& out) const;
  void AddHolds(Exposition& out) const;
  void AddDrives(const registry::Topology& topology, Exposition& out, Stop stop) const;
  Labels FindingLabels(const health::Finding& finding, const registry::Topology& topology) const;

  const Sources sources_;
};

}  // namespace sasd::metrics

#endif  // DAEMON_METRICS_NODE_METRICS_H_
