#include "daemon/heartbeat.h"

#include <atomic>

#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"

namespace sasd {
namespace {

TEST(HeartbeatTest, FeedsOnlyWhileTheCheckSucceeds) {
  std::atomic<int> checks{0}, fed{0};
  absl::Notification failed_twice;
  std::atomic<int> reports{0};
  {
    const Heartbeat heartbeat(
        absl::Milliseconds(1),
        [&] {
          return ++checks <= 3 ? absl::OkStatus() : absl::UnavailableError("nobody is answered");
        },
        [&] { ++fed; },
        [&](const absl::Status& status) {
          EXPECT_EQ(status.message(), "nobody is answered");
          if (++reports == 2) failed_twice.Notify();
        });
    failed_twice.WaitForNotification();
  }
  EXPECT_EQ(fed, 3);
}

TEST(HeartbeatTest, WithoutAWatchdogNothingIsCalled) {
  const Heartbeat heartbeat(
      absl::InfiniteDuration(),
      [] {
        ADD_FAILURE();
        return absl::OkStatus();
      },
      [] {}, [](const absl::Status&) {});
}

}  // namespace
}  // namespace sasd
