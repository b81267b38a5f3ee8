#include "cli/query/interrupt.h"

#include <utility>

namespace sasd::cli {

void Interrupt::Watch(std::function<void()> cancel) {
  absl::MutexLock lock(&mu_);
  cancel_ = std::move(cancel);
  if (fired_ && cancel_) cancel_();
}

bool Interrupt::Fire() {
  absl::MutexLock lock(&mu_);
  fired_ = true;
  if (!cancel_) return false;
  cancel_();
  return true;
}

bool Interrupt::fired() const {
  absl::MutexLock lock(&mu_);
  return fired_;
}

void Interrupt::Sleep(absl::Duration duration) {
  absl::MutexLock lock(&mu_);
  mu_.AwaitWithTimeout(absl::Condition(&fired_), duration);
}

}  // namespace sasd::cli
