#include "daemon/service/worker_pool.h"

#include <atomic>

#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"

namespace sasd::service {
namespace {

TEST(WorkerPoolTest, RunsEveryTaskOnce) {
  std::atomic<int> runs = 0;
  {
    WorkerPool pool(2, 1'000);
    for (int i = 0; i < 1'000; ++i) EXPECT_TRUE(pool.Run([&runs] { ++runs; }));
  }
  EXPECT_EQ(runs, 1'000);
}

TEST(WorkerPoolTest, RefusesWhenTooManyWait) {
  absl::Notification begun, go_on;
  WorkerPool pool(1, 2);
  ASSERT_TRUE(pool.Run([&] {
    begun.Notify();
    go_on.WaitForNotification();
  }));
  begun.WaitForNotification();
  EXPECT_TRUE(pool.Run([] {}));
  EXPECT_TRUE(pool.Run([] {}));
  EXPECT_FALSE(pool.Run([] {}));
  go_on.Notify();
}

TEST(WorkerPoolTest, OneSlowTaskHoldsUpNoOther) {
  absl::Notification other;
  WorkerPool pool(2, 10);
  pool.Run([&other] { other.WaitForNotification(); });
  pool.Run([&other] { other.Notify(); });
}

}  // namespace
}  // namespace sasd::service
