#include "daemon/backend/closable_sink.h"

#include <thread>  // NOLINT: a source of its own

#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"

namespace sasd {
namespace {

// Counts the calls; holds up each Flush() until it is let go.
class SlowSink : public ObservationSink {
 public:
  void Observe(ObservationBatch) override { ++batches; }
  void Flush() override {
    entered.Notify();
    let_go.WaitForNotification();
    left = true;
  }
  void SetPending(bool) override { ++pendings; }

  int batches = 0, pendings = 0;
  bool left = false;
  absl::Notification entered, let_go;
};

TEST(ClosableSinkTest, ClosedSinkDropsEveryCall) {
  SlowSink next;
  ClosableSink sink(next);
  sink.Observe({});
  sink.SetPending(true);
  EXPECT_EQ(next.batches, 1);
  EXPECT_EQ(next.pendings, 1);
  sink.Close();
  sink.Close();
  sink.Observe({});
  sink.Flush();
  sink.SetPending(false);
  EXPECT_EQ(next.batches, 1);
  EXPECT_EQ(next.pendings, 1);
  EXPECT_FALSE(next.entered.HasBeenNotified());
}

TEST(ClosableSinkTest, IdleOnceNoCallIsUnderWay) {
  SlowSink next;
  ClosableSink sink(next);
  std::thread source([&] { sink.Flush(); });
  next.entered.WaitForNotification();
  sink.Close();
  EXPECT_FALSE(next.left) << "Close() does not wait";
  std::thread helper([&] { next.let_go.Notify(); });
  sink.AwaitIdle();
  EXPECT_TRUE(next.left);
  source.join();
  helper.join();
}

}  // namespace
}  // namespace sasd
