#ifndef DAEMON_REGISTRY_REGISTRY_EVENT_QUEUE_H_
#define DAEMON_REGISTRY_REGISTRY_EVENT_QUEUE_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "daemon/registry/registry_event.h"
#include "daemon/registry/topology.h"

namespace sasd::registry {

// An event, and all resources at its revision. Nobody else sees it until Registry::Publish.
struct CommittedEvent {
  std::shared_ptr<RegistryEvent> event;  // the consumer may still add notices
  std::shared_ptr<const Topology> after;
};

// Committed events for daemon/watch, in revision order, until they are consumed. Any thread may
// consume, one at a time: the one that has claimed the queue. Thread-safe.
class RegistryEventQueue {
 public:
  void Push(CommittedEvent event) ABSL_LOCKS_EXCLUDED(mu_);
  // The oldest events, at most so many; none where there are none.
  std::vector<CommittedEvent> Take(size_t most) ABSL_LOCKS_EXCLUDED(mu_);

  // Makes the caller the consumer: true if there are events and no other consumer. The caller takes
  // events until Release() returns true.
  bool Claim() ABSL_LOCKS_EXCLUDED(mu_);
  // Ends the claim. False where events are left: then the claim goes on.
  bool Release() ABSL_LOCKS_EXCLUDED(mu_);

  // For the thread that consumes when no other thread does: waits until Ask() or until kMany events
  // are queued, then claims and returns true. Returns false after Close(), even with events left.
  bool WaitAndClaim() ABSL_LOCKS_EXCLUDED(mu_);
  // Wakes the thread in WaitAndClaim() if there are events.
  void Ask() ABSL_LOCKS_EXCLUDED(mu_);
  // Starts the consumer: from now on AwaitRoom() waits for it.
  void BeginConsuming() ABSL_LOCKS_EXCLUDED(mu_);
  // Blocks while more than kMaxWaiting events are queued, so that memory stays bounded. Returns at
  // once before BeginConsuming() and after Close().
  void AwaitRoom() ABSL_LOCKS_EXCLUDED(mu_);
  // Ends all waits, for good. Events may still be pushed and taken.
  void Close() ABSL_LOCKS_EXCLUDED(mu_);

  size_t size() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  static constexpr size_t kMany = 32, kMaxWaiting = 1'024;

  bool HasRoom() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return !consumed_ || closed_ || events_.size() <= kMaxWaiting;
  }
  bool IsWanted() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return closed_ || (!claimed_ && !events_.empty() && (asked_ || events_.size() >= kMany));
  }

  mutable absl::Mutex mu_;  // a leaf
  std::deque<CommittedEvent> events_ ABSL_GUARDED_BY(mu_);
  bool claimed_ ABSL_GUARDED_BY(mu_) = false;
  bool asked_ ABSL_GUARDED_BY(mu_) = false;
  bool consumed_ ABSL_GUARDED_BY(mu_) = false;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace sasd::registry

#endif  // DAEMON_REGISTRY_REGISTRY_EVENT_QUEUE_H_
