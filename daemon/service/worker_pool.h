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
#include "absl/functional/function_ref.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "daemon/service/call_holds.h"

namespace sasd::service {

// Runs calls that take long or wait for a disk, so that they hold up no other call. A few tasks
// have a turn at a time; a long one gives its turn to others every kSlice, and goes on later on its
// own thread. Bounded, and fair: peers that have something to do take turns, one task each.
// Thread-safe.
class WorkerPool {
 public:
  enum class Verdict { kRuns, kTooManyWait, kTooManyOfPeerWait };

  static constexpr absl::Duration kSlice = absl::Milliseconds(20);

  // The turn of a task that runs. Only for the thread of the task.
  class Turn {
   public:
    Turn(WorkerPool& pool, std::string peer) : pool_(pool), peer_(std::move(peer)) {}

    // Lets others go on, if the task has gone on for kSlice and somebody waits, and returns when it
    // is its turn again. Cheap: call it every millisecond of work or so, without a lock that others
    // may want.
    void Yield();
    // Runs `wait`, which waits for others and needs no core: others go on meanwhile.
    void Apart(absl::FunctionRef<void()> wait);

    // The end of the work: the longest that it has gone on without giving others the chance to.
    const HeldTime& Finish() {
      Note();
      return longest_;
    }

   private:
    friend class WorkerPool;
    void Begin() { watch_ = StopWatch(); }
    void Note() { longest_.Raise(watch_.Elapsed()); }

    WorkerPool& pool_;
    const std::string peer_;
    StopWatch watch_;
    HeldTime longest_;
    bool has_turn_ = true;  // guarded by pool_.mu_
  };
  using Task = std::function<void(Turn& turn)>;

  // `turns` tasks go on at a time. Others that have begun wait for their next turn; there are
  // kThreads times as many threads, half of them for one peer. Of those that have not begun, at
  // most `max_waiting` wait, and `max_of_peer` of one peer.
  WorkerPool(size_t turns, size_t max_waiting, size_t max_of_peer);
  // Runs what waits, then ends.
  ~WorkerPool();

  // Has `task` of the peer with this key run by one of the threads. Otherwise nothing happens.
  Verdict Run(const std::string& peer, Task task) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  static constexpr size_t kThreads = 3;

  // What a peer has in the pool.
  struct Peer {
    std::deque<Turn*> begun;  // that wait for their next turn, the one that waits longest first
    std::deque<Task> fresh;   // that have not begun
    size_t begun_count = 0;   // all that have begun and not ended
    // Whether one of `fresh` has the next turn, and not one of `begun`: short tasks of a peer go on
    // beside its long ones.
    bool fresh_is_next = false;
  };
  struct Next {
    std::string peer;
    Task task;
  };

  void Work() ABSL_LOCKS_EXCLUDED(mu_);
  bool HasWork() const ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return !next_.empty() || (ended_ && waiting_peers_.empty());
  }
  // Gives turns that are free to those who wait.
  void GiveTurns() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // False: nothing of the peer can go on now.
  bool GiveTurnTo(const std::string& key, Peer& peer) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void AwaitTurn(Turn& turn) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Ended(const std::string& key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Constant.
  const size_t max_waiting_, max_of_peer_, max_begun_, max_begun_of_peer_;

  absl::Mutex mu_;
  absl::flat_hash_map<std::string, Peer> peers_ ABSL_GUARDED_BY(mu_);
  // The keys of those of which something waits, in the order of their turns.
  std::deque<std::string> waiting_peers_ ABSL_GUARDED_BY(mu_);
  std::deque<Next> next_ ABSL_GUARDED_BY(mu_);  // that have a turn, and wait for their thread
  size_t free_turns_ ABSL_GUARDED_BY(mu_);
  size_t waiting_ ABSL_GUARDED_BY(mu_) = 0;  // that have not begun
  size_t begun_ ABSL_GUARDED_BY(mu_) = 0;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;

  std::vector<std::thread> threads_;
};

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_WORKER_POOL_H_
