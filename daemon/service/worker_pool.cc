#include "daemon/service/worker_pool.h"

#include <utility>

namespace sasd::service {

WorkerPool::WorkerPool(size_t threads, size_t max_waiting, size_t max_of_peer)
    : max_waiting_(max_waiting), max_of_peer_(max_of_peer) {
  for (size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { Work(); });
}

WorkerPool::~WorkerPool() {
  {
    absl::MutexLock lock(&mu_);
    ended_ = true;
  }
  for (std::thread& thread : threads_) thread.join();
}

WorkerPool::Verdict WorkerPool::Run(const std::string& peer, std::function<void()> task) {
  absl::MutexLock lock(&mu_);
  if (waiting_ >= max_waiting_) return Verdict::kTooManyWait;
  const auto it = tasks_.find(peer);
  if (it != tasks_.end() && it->second.size() >= max_of_peer_) return Verdict::kTooManyOfPeerWait;
  if (it == tasks_.end()) turns_.push_back(peer);
  tasks_[peer].push_back(std::move(task));
  ++waiting_;
  return Verdict::kRuns;
}

std::function<void()> WorkerPool::TakeNext() {
  std::string peer = std::move(turns_.front());
  turns_.pop_front();
  const auto it = tasks_.find(peer);
  std::function<void()> task = std::move(it->second.front());
  it->second.pop_front();
  --waiting_;
  if (it->second.empty()) {
    tasks_.erase(it);
  } else {
    turns_.push_back(std::move(peer));
  }
  return task;
}

void WorkerPool::Work() {
  while (true) {
    std::function<void()> task;
    {
      absl::MutexLock lock(&mu_);
      mu_.Await(absl::Condition(this, &WorkerPool::HasWork));
      if (turns_.empty()) return;
      task = TakeNext();
    }
    task();
  }
}

}  // namespace sasd::service
