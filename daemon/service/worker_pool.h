#ifndef DAEMON_SERVICE_WORKER_POOL_H_
#define DAEMON_SERVICE_WORKER_POOL_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <thread>  // NOLINT: owned threads
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace sasd::service {

// A few threads for calls that may wait for a disk, so that they hold up no other call. Bounded.
// Thread-safe.
class WorkerPool {
 public:
  // At most `max_waiting` tasks wait, besides the `threads` that run.
  WorkerPool(size_t threads, size_t max_waiting);
  // Runs what waits, then ends.
  ~WorkerPool();

  // Has `task` run by one of the threads. False, and nothing happens: too many wait.
  bool Run(std::function<void()> task) ABSL_LOCKS_EXCLUDED(mu_);
  size_t max_waiting() const { return max_waiting_; }

 private:
  void Work() ABSL_LOCKS_EXCLUDED(mu_);
  bool HasWork() const ABSL_SHARED_LOCKS_REQUIRED(mu_) { return ended_ || !tasks_.empty(); }

  // Constant.
  const size_t max_waiting_;

  absl::Mutex mu_;
  std::deque<std::function<void()>> tasks_ ABSL_GUARDED_BY(mu_);
  bool ended_ ABSL_GUARDED_BY(mu_) = false;

  std::vector<std::thread> threads_;
};

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_WORKER_POOL_H_
