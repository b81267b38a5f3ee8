#include "daemon/service/worker_pool.h"

#include <utility>

namespace sasd::service {

WorkerPool::WorkerPool(size_t turns, size_t max_waiting, size_t max_of_peer)
    : max_waiting_(max_waiting),
      max_of_peer_(max_of_peer),
      max_begun_(kThreads * turns),
      max_begun_of_peer_(max_begun_ / 2),
      free_turns_(turns) {
  for (size_t i = 0; i < max_begun_; ++i) threads_.emplace_back([this] { Work(); });
}

WorkerPool::~WorkerPool() {
  {
    absl::MutexLock lock(&mu_);
    ended_ = true;
  }
  for (std::thread& thread : threads_) thread.join();
}

WorkerPool::Verdict WorkerPool::Run(const std::string& key, Task task) {
  absl::MutexLock lock(&mu_);
  if (waiting_ >= max_waiting_) return Verdict::kTooManyWait;
  const auto it = peers_.find(key);
  if (it != peers_.end() && it->second.fresh.size() >= max_of_peer_) {
    return Verdict::kTooManyOfPeerWait;
  }
  Peer& peer = it != peers_.end() ? it->second : peers_[key];
  if (peer.fresh.empty() && peer.begun.empty()) waiting_peers_.push_back(key);
  peer.fresh.push_back(std::move(task));
  ++waiting_;
  GiveTurns();
  return Verdict::kRuns;
}

void WorkerPool::GiveTurns() {
  // All peers may have to be asked: one that has begun its share waits until a task of it ends.
  for (size_t in_vain = 0; free_turns_ > 0 && in_vain < waiting_peers_.size();) {
    std::string key = std::move(waiting_peers_.front());
    waiting_peers_.pop_front();
    Peer& peer = peers_.at(key);
    in_vain = GiveTurnTo(key, peer) ? 0 : in_vain + 1;
    if (!peer.begun.empty() || !peer.fresh.empty()) waiting_peers_.push_back(std::move(key));
  }
}

bool WorkerPool::GiveTurnTo(const std::string& key, Peer& peer) {
  const bool may_begin =
      !peer.fresh.empty() && peer.begun_count < max_begun_of_peer_ && begun_ < max_begun_;
  if (!peer.begun.empty() && !(may_begin && peer.fresh_is_next)) {
    peer.begun.front()->has_turn_ = true;
    peer.begun.pop_front();
    peer.fresh_is_next = true;
  } else if (may_begin) {
    next_.push_back({key, std::move(peer.fresh.front())});
    peer.fresh.pop_front();
    peer.fresh_is_next = false;
    ++peer.begun_count;
    ++begun_;
    --waiting_;
  } else {
    return false;
  }
  --free_turns_;
  return true;
}

void WorkerPool::AwaitTurn(Turn& turn) {
  Peer& peer = peers_.at(turn.peer_);
  turn.has_turn_ = false;
  if (peer.fresh.empty() && peer.begun.empty()) waiting_peers_.push_back(turn.peer_);
  peer.begun.push_back(&turn);
  GiveTurns();
  mu_.Await(absl::Condition(&turn.has_turn_));
}

void WorkerPool::Ended(const std::string& key) {
  ++free_turns_;
  --begun_;
  const auto it = peers_.find(key);
  if (--it->second.begun_count == 0 && it->second.fresh.empty()) peers_.erase(it);
  GiveTurns();
}

void WorkerPool::Work() {
  while (true) {
    Next next;
    {
      absl::MutexLock lock(&mu_);
      mu_.Await(absl::Condition(this, &WorkerPool::HasWork));
      if (next_.empty()) return;
      next = std::move(next_.front());
      next_.pop_front();
    }
    Turn turn(*this, next.peer);
    next.task(turn);
    next.task = nullptr;
    absl::MutexLock lock(&mu_);
    Ended(next.peer);
  }
}

void WorkerPool::Turn::Yield() {
  if (watch_.wall() < kSlice) return;
  Note();
  {
    absl::MutexLock lock(&pool_.mu_);
    if (!pool_.waiting_peers_.empty()) {
      ++pool_.free_turns_;
      pool_.AwaitTurn(*this);
    }
  }
  Begin();
}

void WorkerPool::Turn::Apart(absl::FunctionRef<void()> wait) {
  Note();
  {
    absl::MutexLock lock(&pool_.mu_);
    ++pool_.free_turns_;
    pool_.GiveTurns();
  }
  wait();
  {
    absl::MutexLock lock(&pool_.mu_);
    pool_.AwaitTurn(*this);
  }
  Begin();
}

}  // namespace sasd::service
