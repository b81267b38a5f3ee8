#include "daemon/registry/registry_event_queue.h"

#include <utility>

namespace sasd::registry {

void RegistryEventQueue::Push(RegistryEventPtr event) {
  absl::MutexLock lock(&mu_);
  events_.push_back(std::move(event));
}

RegistryEventPtr RegistryEventQueue::Pop() {
  absl::MutexLock lock(&mu_);
  if (events_.empty()) return nullptr;
  RegistryEventPtr event = std::move(events_.front());
  events_.pop_front();
  popped_ = event->revision;
  return event;
}

bool RegistryEventQueue::Claim() {
  absl::MutexLock lock(&mu_);
  if (claimed_ || events_.empty()) return false;
  claimed_ = true;
  return true;
}

bool RegistryEventQueue::Release() {
  absl::MutexLock lock(&mu_);
  claimed_ = !events_.empty();
  return !claimed_;
}

bool RegistryEventQueue::WaitAndClaim() {
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(this, &RegistryEventQueue::IsWanted));
  asked_ = false;
  if (closed_) return false;
  claimed_ = true;
  return true;
}

void RegistryEventQueue::Ask() {
  absl::MutexLock lock(&mu_);
  asked_ = true;
}

void RegistryEventQueue::BeginConsuming() {
  absl::MutexLock lock(&mu_);
  consumed_ = true;
}

void RegistryEventQueue::AwaitRoom() {
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(this, &RegistryEventQueue::HasRoom));
}

void RegistryEventQueue::Close() {
  absl::MutexLock lock(&mu_);
  closed_ = true;
}

size_t RegistryEventQueue::size() const {
  absl::MutexLock lock(&mu_);
  return events_.size();
}

int64_t RegistryEventQueue::popped_revision() const {
  absl::MutexLock lock(&mu_);
  return popped_;
}

}  // namespace sasd::registry
