#include "daemon/backend/closable_sink.h"

#include <utility>

namespace sasd {

template <typename Call>
void ClosableSink::Pass(Call call) {
  {
    absl::MutexLock lock(&mu_);
    if (closed_) return;
    ++calls_;
  }
  call();
  absl::MutexLock lock(&mu_);
  --calls_;
}

void ClosableSink::Observe(ObservationBatch batch) {
  Pass([&] { next_.Observe(std::move(batch)); });
}

void ClosableSink::Flush() {
  Pass([this] { next_.Flush(); });
}

void ClosableSink::SetPending(bool pending) {
  Pass([this, pending] { next_.SetPending(pending); });
}

void ClosableSink::Close() {
  absl::MutexLock lock(&mu_);
  closed_ = true;
}

void ClosableSink::AwaitIdle() {
  absl::MutexLock lock(&mu_);
  const auto none = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return calls_ == 0; };
  mu_.Await(absl::Condition(&none));
}

}  // namespace sasd
