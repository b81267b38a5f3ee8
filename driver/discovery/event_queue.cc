#include "driver/discovery/event_queue.h"

#include <utility>
#include <variant>

namespace sasd::discovery {
namespace {

bool IsTopology(const Event& event) {
  return event.kind == Event::Kind::kFirmware &&
         (std::holds_alternative<mpi::TopologyChangeList>(event.data) ||
          std::holds_alternative<mpi::EnclosureStatusChange>(event.data) ||
          std::holds_alternative<mpi::DiscoveryEvent>(event.data));
}

// True if the event announces `expander` or something behind it.
bool Announces(const Event& event, DevHandle expander) {
  if (event.kind != Event::Kind::kFirmware) return false;
  const auto* list = std::get_if<mpi::TopologyChangeList>(&event.data);
  return list != nullptr && list->expander_handle == expander &&
         (list->status == mpi::ExpanderStatus::kAdded ||
          list->status == mpi::ExpanderStatus::kResponding);
}

}  // namespace

void EventQueue::Push(EventRef event) {
  absl::MutexLock lock(&mu_);
  if (closed_) return;
  event->sequence = ++last_sequence_;
  queue_.push_back(std::move(event));
}

EventRef EventQueue::Pop() {
  absl::MutexLock lock(&mu_);
  if (queue_.empty()) return nullptr;
  running_ = std::move(queue_.front());
  queue_.pop_front();
  return running_;
}

void EventQueue::Done() {
  EventRef done;  // its reference ends after the lock
  absl::MutexLock lock(&mu_);
  done.swap(running_);
}

void EventQueue::IgnoreExpander(DevHandle expander) {
  absl::MutexLock lock(&mu_);
  for (const EventRef& event : queue_) {
    if (Announces(*event, expander)) event->ignore = true;
  }
  if (running_ != nullptr && Announces(*running_, expander)) running_->ignore = true;
}

template <typename Predicate>
std::vector<EventRef> EventQueue::TakeIf(Predicate predicate) {
  std::vector<EventRef> taken;
  std::deque<EventRef> kept;
  for (EventRef& event : queue_) {
    if (predicate(*event)) {
      taken.push_back(std::move(event));
    } else {
      kept.push_back(std::move(event));
    }
  }
  queue_.swap(kept);
  return taken;
}

std::vector<EventRef> EventQueue::TakeTopology() {
  absl::MutexLock lock(&mu_);
  if (running_ != nullptr && IsTopology(*running_)) running_->ignore = true;
  return TakeIf(IsTopology);
}

std::vector<EventRef> EventQueue::TakeGaps() {
  absl::MutexLock lock(&mu_);
  return TakeIf([](const Event& event) {
    return event.kind == Event::Kind::kGap || event.kind == Event::Kind::kRescan;
  });
}

void EventQueue::Close() {
  std::deque<EventRef> dropped;  // references end after the lock
  absl::MutexLock lock(&mu_);
  closed_ = true;
  dropped.swap(queue_);
  if (running_ != nullptr) running_->ignore = true;
}

size_t EventQueue::size() const {
  absl::MutexLock lock(&mu_);
  return queue_.size();
}

bool EventQueue::idle() const {
  absl::MutexLock lock(&mu_);
  return queue_.empty() && running_ == nullptr;
}

uint64_t EventQueue::last_sequence() const {
  absl::MutexLock lock(&mu_);
  return last_sequence_;
}

}  // namespace sasd::discovery
