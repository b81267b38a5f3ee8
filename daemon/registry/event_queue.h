#ifndef DAEMON_REGISTRY_EVENT_QUEUE_H_
#define DAEMON_REGISTRY_EVENT_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <deque>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "daemon/registry/event.h"

namespace sasd::registry {

// Committed events on their way to their one consumer (the pump of daemon/watch), in revision order
// without a hole. Holds what is not yet consumed, nothing else. Thread-safe.
class EventQueue {
 public:
  // `last_revision`: the revision before the first event.
  explicit EventQueue(int64_t last_revision) : popped_(last_revision) {}

  void Push(EventPtr event) ABSL_LOCKS_EXCLUDED(mu_);
  // Null where there is none.
  EventPtr Pop() ABSL_LOCKS_EXCLUDED(mu_);

  // Blocks until there is an event (true) or Close() was called (false, even with events left).
  bool Wait() ABSL_LOCKS_EXCLUDED(mu_);
  // A consumer has begun: AwaitRoom() waits for it from now on.
  void BeginConsuming() ABSL_LOCKS_EXCLUDED(mu_);
  // Waits until no more than kMaxWaiting events wait, so that whoever makes events faster than they
  // are consumed does not fill the memory. At once where there is no consumer (yet, or any more).
  void AwaitRoom() ABSL_LOCKS_EXCLUDED(mu_);
  // Ends every Wait, for good. Events may still be pushed and popped.
  void Close() ABSL_LOCKS_EXCLUDED(mu_);

  size_t size() const ABSL_LOCKS_EXCLUDED(mu_);
  // The revision of the last event popped: the consumer knows everything up to it.
  int64_t popped_revision() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  static constexpr size_t kMaxWaiting = 1'024;

  bool HasRoom() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return !consumed_ || closed_ || events_.size() <= kMaxWaiting;
  }
  bool Ready() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return closed_ || !events_.empty(); }

  mutable absl::Mutex mu_;  // a leaf
  std::deque<EventPtr> events_ ABSL_GUARDED_BY(mu_);
  int64_t popped_ ABSL_GUARDED_BY(mu_);
  bool consumed_ ABSL_GUARDED_BY(mu_) = false;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace sasd::registry

#endif  // DAEMON_REGISTRY_EVENT_QUEUE_H_
