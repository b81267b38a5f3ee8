#include "daemon/registry/event_queue.h"

#include <utility>

namespace sasd::registry {

void EventQueue::Push(EventPtr event) {
  absl::MutexLock lock(&mu_);
  events_.push_back(std::move(event));
}

EventPtr EventQueue::Pop() {
  absl::MutexLock lock(&mu_);
  if (events_.empty()) return nullptr;
  EventPtr event = std::move(events_.front());
  events_.pop_front();
  popped_ = event->revision;
  return event;
}

bool EventQueue::Claim() {
  absl::MutexLock lock(&mu_);
  if (claimed_ || events_.empty()) return false;
  claimed_ = true;
  return true;
}

bool EventQueue::Release() {
  absl::MutexLock lock(&mu_);
  claimed_ = !events_.empty();
  return !claimed_;
}

bool EventQueue::WaitAndClaim() {
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(this, &EventQueue::IsWanted));
  asked_ = false;
  if (closed_) return false;
  claimed_ = true;
  return true;
}

void EventQueue::Ask() {
  absl::MutexLock lock(&mu_);
  asked_ = true;
}

void EventQueue::BeginConsuming() {
  absl::MutexLock lock(&mu_);
  consumed_ = true;
}

void EventQueue::AwaitRoom() {
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(this, &EventQueue::HasRoom));
}

void EventQueue::Close() {
  absl::MutexLock lock(&mu_);
  closed_ = true;
}

size_t EventQueue::size() const {
  absl::MutexLock lock(&mu_);
  return events_.size();
}

int64_t EventQueue::popped_revision() const {
  absl::MutexLock lock(&mu_);
  return popped_;
}

}  // namespace sasd::registry
