#ifndef DAEMON_METRICS_LATENCIES_H_
#define DAEMON_METRICS_LATENCIES_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

namespace sasd::metrics {

// How long something took, each time, as a histogram. Thread-safe; nobody waits.
class Latencies {
 public:
  // The upper bounds of the buckets, in seconds; the last bucket has none.
  static constexpr std::array<double, 7> kBounds = {0.0001, 0.001, 0.01, 0.05, 0.1, 1, 10};

  void Add(absl::Duration duration) {
    const double seconds = absl::ToDoubleSeconds(duration);
    size_t i = 0;
    while (i < kBounds.size() && seconds > kBounds[i]) ++i;
    in_bucket_[i].fetch_add(1, std::memory_order_relaxed);
    sum_nanos_.fetch_add(absl::ToInt64Nanoseconds(duration), std::memory_order_relaxed);
  }

  struct Counts {
    std::array<int64_t, kBounds.size() + 1> in_bucket{};
    absl::Duration sum;
  };
  // An Add() that runs meanwhile may be in one number and not in the other.
  Counts counts() const {
    Counts out;
    for (size_t i = 0; i < in_bucket_.size(); ++i) {
      out.in_bucket[i] = in_bucket_[i].load(std::memory_order_relaxed);
    }
    out.sum = absl::Nanoseconds(sum_nanos_.load(std::memory_order_relaxed));
    return out;
  }

 private:
  std::array<std::atomic<int64_t>, kBounds.size() + 1> in_bucket_{};
  std::atomic<int64_t> sum_nanos_{0};
};

}  // namespace sasd::metrics

#endif  // DAEMON_METRICS_LATENCIES_H_
