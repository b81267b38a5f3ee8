#ifndef DAEMON_SERVICE_WORKER_POOL_H_
#define DAEMON_SERVICE_WORKER_POOL_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <string>
#include <thread>  // NOLINT: owned threads
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"

namespace sasd::service {

// A few threads for calls that take long or wait for a disk, so that they hold up no other call.
// Bounded, and fair: peers that have something to do take turns, one task each. Thread-safe.
class WorkerPool {
 public:
  enum class Verdict { kRuns, kTooManyWait, kTooManyOfPeerWait };

  // At most `max_waiting` tasks wait, besides the `threads` that run; `max_of_peer` of one peer.
  WorkerPool(size_t threads, size_t max_waiting, size_t max_of_peer);
  // Runs what waits, then ends.
  ~WorkerPool();

  // Has `task` of the peer with this key run by one of the threads. Otherwise nothing happens.
  Verdict Run(const std::string& peer, std::function<void()> task) ABSL_LOCKS_EXCLUDED(mu_);
  // Of peers that need not be told apart.
  Verdict Run(std::function<void()> task) { return Run("", std::move(task)); }

 private:
  void Work() ABSL_LOCKS_EXCLUDED(mu_);
  bool HasWork() const ABSL_SHARED_LOCKS_REQUIRED(mu_) { return ended_ || !turns_.empty(); }
  std::function<void()> TakeNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Constant.
  const size_t max_waiting_, max_of_peer_;

  absl::Mutex mu_;
  absl::flat_hash_map<std::string, std::deque<std::function<void()>>> tasks_ ABSL_GUARDED_BY(mu_);
  std::deque<std::string> turns_ ABSL_GUARDED_BY(mu_);  // the keys of tasks_
  size_t waiting_ ABSL_GUARDED_BY(mu_) = 0;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;

  std::vector<std::thread> threads_;
};

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_WORKER_POOL_H_
