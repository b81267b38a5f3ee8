#include "driver/discovery/emitter.h"

#include <utility>

namespace sasd::discovery {

void Emitter::Commit(const ChangeSet& changes, Cause cause, absl::Duration arrival, When when) {
  if (changes.empty() && when == When::kIfChanged) return;
  if (cause.text.empty()) cause.text = changes.Text();
  {
    absl::MutexLock lock(&mu_);
    if (closed_) return;
    const device::NodeRef host = nodes_.host();
    ObservationBatch batch;
    batch.host = host == nullptr ? HostKey() : host->key().host;
    batch.observations = changes.Render(nodes_, devices_, batch.host);
    if (batch.observations.empty() && when == When::kIfChanged) return;
    port_numbers_.Apply(batch.observations);
    batch.cause = std::move(cause);
    batch.time = clock_.Now();
    batch.arrival = arrival;
    queue_.push_back(std::move(batch));
  }
  Deliver();
}

void Emitter::Deliver() {
  absl::MutexLock lock(&mu_);
  if (delivering_) return;
  delivering_ = true;
  while (!queue_.empty() && !closed_) {
    ObservationBatch batch = std::move(queue_.front());
    queue_.pop_front();
    mu_.Unlock();
    sink_.Observe(std::move(batch));
    mu_.Lock();
  }
  delivering_ = false;
}

void Emitter::Close() {
  absl::MutexLock lock(&mu_);
  closed_ = true;
  queue_.clear();
  mu_.Await(absl::Condition(
      +[](bool* delivering) { return !*delivering; }, &delivering_));
}

bool Emitter::idle() const {
  absl::MutexLock lock(&mu_);
  return queue_.empty() && !delivering_;
}

}  // namespace sasd::discovery
