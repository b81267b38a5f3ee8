#include "daemon/service/worker_pool.h"

#include <atomic>
#include <string>
#include <vector>

#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"

namespace sasd::service {
namespace {

TEST(WorkerPoolTest, RunsEveryTaskOnce) {
  std::atomic<int> runs = 0;
  {
    WorkerPool pool(2, 1'000, 1'000);
    for (int i = 0; i < 1'000; ++i) {
      EXPECT_EQ(pool.Run([&runs] { ++runs; }), WorkerPool::Verdict::kRuns);
    }
  }
  EXPECT_EQ(runs, 1'000);
}

// A pool of one thread, which waits.
class HeldPool {
 public:
  HeldPool(size_t max_waiting, size_t max_of_peer) : pool_(1, max_waiting, max_of_peer) {
    pool_.Run([this] {
      begun_.Notify();
      go_on_.WaitForNotification();
    });
    begun_.WaitForNotification();
  }
  WorkerPool* operator->() { return &pool_; }
  void GoOn() { go_on_.Notify(); }

 private:
  absl::Notification begun_, go_on_;
  WorkerPool pool_;
};

TEST(WorkerPoolTest, RefusesWhenTooManyWait) {
  HeldPool pool(2, 10);
  EXPECT_EQ(pool->Run([] {}), WorkerPool::Verdict::kRuns);
  EXPECT_EQ(pool->Run("b", [] {}), WorkerPool::Verdict::kRuns);
  EXPECT_EQ(pool->Run("c", [] {}), WorkerPool::Verdict::kTooManyWait);
  pool.GoOn();
}

TEST(WorkerPoolTest, RefusesWhenTooManyOfOnePeerWait) {
  HeldPool pool(10, 2);
  EXPECT_EQ(pool->Run("a", [] {}), WorkerPool::Verdict::kRuns);
  EXPECT_EQ(pool->Run("a", [] {}), WorkerPool::Verdict::kRuns);
  EXPECT_EQ(pool->Run("a", [] {}), WorkerPool::Verdict::kTooManyOfPeerWait);
  EXPECT_EQ(pool->Run("b", [] {}), WorkerPool::Verdict::kRuns);
  pool.GoOn();
}

TEST(WorkerPoolTest, PeersTakeTurns) {
  std::string order;
  {
    HeldPool pool(100, 100);
    for (int i = 0; i < 4; ++i) pool->Run("hog", [&order] { order += 'h'; });
    for (int i = 0; i < 2; ++i) pool->Run("other", [&order] { order += 'o'; });
    pool.GoOn();
  }
  EXPECT_EQ(order, "hohohh");
}

TEST(WorkerPoolTest, OneSlowTaskHoldsUpNoOther) {
  absl::Notification other;
  WorkerPool pool(2, 10, 10);
  pool.Run([&other] { other.WaitForNotification(); });
  pool.Run([&other] { other.Notify(); });
}

}  // namespace
}  // namespace sasd::service
