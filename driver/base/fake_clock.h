#ifndef DRIVER_BASE_FAKE_CLOCK_H_
#define DRIVER_BASE_FAKE_CLOCK_H_

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "driver/base/clock.h"

namespace sasd {

// A clock that only Advance() moves. Thread-safe.
class FakeClock : public Clock {
 public:
  absl::Time Now() override ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return start_ + elapsed_;
  }

  absl::Duration Monotonic() override ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return elapsed_;
  }

  void Advance(absl::Duration by) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    elapsed_ += by;
  }

 private:
  const absl::Time start_ = absl::FromUnixSeconds(1'700'000'000);
  absl::Mutex mu_;
  absl::Duration elapsed_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sasd

#endif  // DRIVER_BASE_FAKE_CLOCK_H_
