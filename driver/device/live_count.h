#ifndef DRIVER_DEVICE_LIVE_COUNT_H_
#define DRIVER_DEVICE_LIVE_COUNT_H_

#include <atomic>
#include <cstddef>

namespace sasd::device {

// Counts living objects, regardless of their owner. Outlives the objects. Thread-safe.
class LiveCount {
 public:
  size_t count() const { return count_.load(std::memory_order_relaxed); }

 private:
  friend class Counted;
  std::atomic<size_t> count_{0};
};

// An object that is counted while it lives.
class Counted {
 public:
  explicit Counted(LiveCount& live) : live_(live) {
    live_.count_.fetch_add(1, std::memory_order_relaxed);
  }
  ~Counted() { live_.count_.fetch_sub(1, std::memory_order_relaxed); }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  LiveCount& live_;
};

}  // namespace sasd::device

#endif  // DRIVER_DEVICE_LIVE_COUNT_H_
