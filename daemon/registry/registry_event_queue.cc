#include "daemon/registry/registry_event_queue.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace sasd::registry {

void RegistryEventQueue::Push(CommittedEvent event) {
  absl::MutexLock lock(&mu_);
  events_.push_back(std::move(event));
}

std::vector<CommittedEvent> RegistryEventQueue::Take(size_t most) {
  absl::MutexLock lock(&mu_);
  const auto end = events_.begin() + static_cast<std::ptrdiff_t>(std::min(most, events_.size()));
  std::vector<CommittedEvent> taken(std::make_move_iterator(events_.begin()),
                                    std::make_move_iterator(end));
  events_.erase(events_.begin(), end);
  return taken;
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

}  // namespace sasd::registry
