#ifndef DAEMON_REGISTRY_REGISTRY_EVENT_QUEUE_H_
#define DAEMON_REGISTRY_REGISTRY_EVENT_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <deque>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "daemon/registry/registry_event.h"

namespace sasd::registry {

// Committed events on their way to daemon/watch, in revision order without a hole. Holds what is
// not yet consumed, nothing else. Any thread may consume, one at a time: the one that has claimed
// it. Thread-safe.
class RegistryEventQueue {
 public:
  // `last_revision`: the revision before the first event.
  explicit RegistryEventQueue(int64_t last_revision) : popped_(last_revision) {}

  void Push(RegistryEventPtr event) ABSL_LOCKS_EXCLUDED(mu_);
  // Null where there is none.
  RegistryEventPtr Pop() ABSL_LOCKS_EXCLUDED(mu_);

  // Makes the caller the consumer: true where there are events and nobody else is it. It pops until
  // Release() says that all is consumed.
  bool Claim() ABSL_LOCKS_EXCLUDED(mu_);
  // Ends the claim; false, and it goes on, where there are events still.
  bool Release() ABSL_LOCKS_EXCLUDED(mu_);

  // For a thread that consumes what nobody else does: waits until it is asked to, or kMany events
  // wait, and claims (true), or until Close() was called (false, even with events left).
  bool WaitAndClaim() ABSL_LOCKS_EXCLUDED(mu_);
  // Asks it to.
  void Ask() ABSL_LOCKS_EXCLUDED(mu_);
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
  static constexpr size_t kMany = 32, kMaxWaiting = 1'024;

  bool HasRoom() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return !consumed_ || closed_ || events_.size() <= kMaxWaiting;
  }
  bool IsWanted() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return closed_ || (!claimed_ && !events_.empty() && (asked_ || events_.size() >= kMany));
  }

  mutable absl::Mutex mu_;  // a leaf
  std::deque<RegistryEventPtr> events_ ABSL_GUARDED_BY(mu_);
  int64_t popped_ ABSL_GUARDED_BY(mu_);
  bool claimed_ ABSL_GUARDED_BY(mu_) = false;
  bool asked_ ABSL_GUARDED_BY(mu_) = false;
  bool consumed_ ABSL_GUARDED_BY(mu_) = false;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace sasd::registry

#endif  // DAEMON_REGISTRY_REGISTRY_EVENT_QUEUE_H_
