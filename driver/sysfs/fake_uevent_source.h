#ifndef DRIVER_SYSFS_FAKE_UEVENT_SOURCE_H_
#define DRIVER_SYSFS_FAKE_UEVENT_SOURCE_H_

#include <deque>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "driver/sysfs/uevent_source.h"

namespace sasd::sysfs {

// A source of the uevents that a test pushes. Thread-safe.
class FakeUeventSource : public UeventSource {
 public:
  void Push(Received received) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    queue_.push_back(std::move(received));
  }

  Received Receive(absl::Duration timeout) override ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    mu_.AwaitWithTimeout(absl::Condition(this, &FakeUeventSource::IsReady), timeout);
    if (queue_.empty()) {
      woken_ = woken_ && timeout <= absl::ZeroDuration();
      return Nothing{};
    }
    Received received = std::move(queue_.front());
    queue_.pop_front();
    return received;
  }

  void Wake() override ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    woken_ = true;
  }

 private:
  bool IsReady() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return woken_ || !queue_.empty(); }

  absl::Mutex mu_;  // a leaf
  std::deque<Received> queue_ ABSL_GUARDED_BY(mu_);
  bool woken_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_FAKE_UEVENT_SOURCE_H_
