#ifndef DAEMON_METRICS_EVENT_COUNTER_H_
#define DAEMON_METRICS_EVENT_COUNTER_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"
#include "daemon/metrics/latencies.h"
#include "daemon/registry/registry_event.h"
#include "daemon/registry/topology.h"
#include "daemon/watch/event_recorder.h"
#include "daemon/watch/publisher.h"
#include "driver/base/clock.h"

namespace sasd::metrics {

// Counts the node's events as they are committed. Thread-safe; adds nothing to an event.
class EventCounter : public watch::CommitListener {
 public:
  static constexpr size_t kCauses = 16;  // more than CauseKind has

  void OnCommit(registry::RegistryEvent& event, const registry::Topology& /*after*/) override {
    const auto cause = static_cast<size_t>(event.cause.kind);
    if (cause < kCauses) by_cause_[cause].fetch_add(1, std::memory_order_relaxed);
    if (event.gap.has_value()) gaps_.fetch_add(1, std::memory_order_relaxed);
    last_unix_nanos_.store(absl::ToUnixNanos(event.time), std::memory_order_relaxed);
  }

  int64_t with_cause(CauseKind cause) const {
    return by_cause_[static_cast<size_t>(cause)].load(std::memory_order_relaxed);
  }
  // Declared ones: events before which revisions are lost.
  int64_t gaps() const { return gaps_.load(std::memory_order_relaxed); }
  // The time of the newest event; the epoch of Unix where there was none.
  absl::Time last_time() const {
    return absl::FromUnixNanos(last_unix_nanos_.load(std::memory_order_relaxed));
  }

 private:
  std::array<std::atomic<int64_t>, kCauses> by_cause_{};
  std::atomic<int64_t> gaps_{0};
  std::atomic<int64_t> last_unix_nanos_{0};
};

// Measures how long another recorder takes to keep events. As that one.
class MeasuredRecorder : public watch::EventRecorder {
 public:
  // Borrows all for its lifetime.
  MeasuredRecorder(watch::EventRecorder& recorder, Latencies& latencies, Clock& clock)
      : recorder_(recorder), latencies_(latencies), clock_(clock) {}

  void Record(absl::Span<const registry::CommittedEvent> events,
              absl::Span<const watch::EncodedEventPtr> encoded) override {
    const absl::Duration begin = clock_.Monotonic();
    recorder_.Record(events, encoded);
    latencies_.Add(clock_.Monotonic() - begin);
  }
  void OnPublished() override { recorder_.OnPublished(); }

 private:
  watch::EventRecorder& recorder_;
  Latencies& latencies_;
  Clock& clock_;
};

}  // namespace sasd::metrics

#endif  // DAEMON_METRICS_EVENT_COUNTER_H_
