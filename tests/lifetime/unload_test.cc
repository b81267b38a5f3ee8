// The stop of a driver at any moment; and the driver's own threads.
#include <memory>
#include <string>
#include <thread>  // NOLINT: owned threads
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "driver/base/clock.h"
#include "driver/discovery/frame_sender.h"
#include "driver/hba_driver.h"
#include "driver/wire/mpi/constants.h"
#include "driver/wire/mpi/messages.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/lifetime/testbed.h"

namespace sasd::lifetime {
namespace {

using discovery::Attach;
using testing::ElementsAre;

using Lifetime = Testbed;

constexpr absl::Duration kTimeout = absl::Seconds(60);

// The whole driver on the testbed's emulator; the testbed then has no Hba of its own.
class LifetimeOfThreads : public Testbed {
 protected:
  void SetUp() override { StartDriver(); }
  void TearDown() override { StopDriver(); }

  void StartDriver() {
    StopDriver();
    CreateEmulator(SmallFabric());
    ioc_ = std::make_unique<RecordingTransport>(transport());
    sink_ = std::make_unique<RecordingSink>();
    // Its threads repeat failed work by the real clock.
    auto driver = HbaDriver::Start(*ioc_, SystemClock(), *sink_);
    ASSERT_TRUE(driver.ok()) << driver.status();
    driver_ = *std::move(driver);
  }
  void AwaitIdle() {
    const absl::Status idle = driver_->WaitIdle(kTimeout);
    ASSERT_TRUE(idle.ok()) << idle;
  }
  void StopDriver() {
    if (driver_ == nullptr) return;
    MustReturn("the driver does not stop", [this] { driver_->Stop(); });
    EXPECT_EQ(driver_->live_objects(), 0u);
    EXPECT_FALSE(ioc_->has_listener());
    EXPECT_EQ(sink_->illegal(), "");
    driver_.reset();
  }

  std::unique_ptr<HbaDriver> driver_;
};

TEST_F(LifetimeOfThreads, S16_StopCompletesWhileDrivesArePulled) {
  for (int round = 0; round < 10; ++round) {
    StartDriver();
    if (round % 2 == 0) AwaitIdle();
    absl::Notification pulling;
    std::thread hands([&] {
      for (int i = 0; i < 20; ++i) {
        EXPECT_TRUE(fabric().Pull(kDrive).ok());
        EXPECT_TRUE(fabric().Pull(kOther).ok());
        if (i == round) pulling.Notify();
        EXPECT_TRUE(fabric().Insert(kDrive).ok());
        EXPECT_TRUE(fabric().Insert(kOther).ok());
      }
    });
    pulling.WaitForNotification();
    MustReturn("the driver does not stop", [this] { driver_->Stop(); });
    const size_t reported = sink_->batches().size();
    hands.join();
    EXPECT_EQ(sink_->batches().size(), reported) << "a report after the stop";
    StopDriver();
  }
}

// A removal is running when the stop comes: its second half is not sent.
TEST_F(Lifetime, S16_StopEndsARunningHandshake) {
  RunAll();
  ioc_->ClearRecords();
  transport().Hold();
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  for (const emulator::HeldMessage& message : transport().Held()) {
    if (message.kind == emulator::HeldMessage::Kind::kEvent) {
      transport().Release(message.id).IgnoreError();
    }
  }
  ASSERT_EQ(ioc_->Handshakes().size(), 1u);
  sink_->ClearRecords();
  hba_->Stop();
  transport().ReleaseAll();
  EXPECT_EQ(ioc_->Handshakes().size(), 1u);
  EXPECT_TRUE(sink_->batches().empty()) << "a stop removes no devices";
  EXPECT_EQ(hba_->Unfinished(), "");
}

// A removal while the worker waits for a page; then the driver stops while it waits.
TEST_F(LifetimeOfThreads, S17_ForcedRemovalBesideWaitingWorkerDoesNotDeadlock) {
  AwaitIdle();
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  AwaitIdle();
  transport().SetCallerMayWait(false);  // the driver's own thread is the worker
  absl::Notification waits, go_on;
  ioc_->Before(mpi::Function::kConfig, [&] {
    waits.Notify();
    go_on.WaitForNotification();
  });
  ASSERT_TRUE(fabric().Insert(kDrive).ok());
  waits.WaitForNotification();
  MustReturn("a removal waits for the worker",
             [this] { EXPECT_TRUE(fabric().SetExpander(kExpander, false).ok()); });
  absl::Notification stops;
  std::thread stopper([&] {
    stops.Notify();
    driver_->Stop();
  });
  stops.WaitForNotification();
  go_on.Notify();
  MustReturn("the stop waits for the worker, and it for the stop", [&] { stopper.join(); });
  EXPECT_EQ(driver_->live_objects(), 0u);
}

// With threads: an expander goes while its devices are attached.
TEST_F(LifetimeOfThreads, S17_ForcedRemovalDuringAttachesLeavesNothing) {
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(fabric().SetExpander(kExpander, false).ok());
    ASSERT_TRUE(fabric().SetExpander(kExpander, true).ok());
  }
  ASSERT_TRUE(fabric().SetExpander(kExpander, false).ok());
  AwaitIdle();
  EXPECT_TRUE(sink_->devices().empty());
  EXPECT_TRUE(sink_->expanders().empty());
}

TEST_F(Lifetime, S18_StoppedDriverRefusesEverything) {
  Attach attach = BeginAttachOfDrive();
  hba_->attacher().RunCommands(attach);
  ASSERT_TRUE(attach.units.ok());
  hba_->Stop();
  EXPECT_FALSE(ioc_->has_listener());
  sink_->ClearRecords();
  ioc_->ClearRecords();
  hba_->attacher().Complete(std::move(attach));
  EXPECT_TRUE(fabric().Pull(kDrive).ok());
  EXPECT_TRUE(fabric().ResetHost(host_id()).ok());
  EXPECT_TRUE(ioc_->Reset().ok());
  hba_->Rescan();
  EXPECT_FALSE(hba_->RunWorkerStep());
  EXPECT_FALSE(hba_->RunAttachStep());
  EXPECT_FALSE(hba_->attacher().Begin().has_value());
  hba_->Stop();
  EXPECT_TRUE(sink_->batches().empty());
  EXPECT_THAT(ioc_->Handshakes(), testing::IsEmpty());
  EXPECT_EQ(ioc_->CountOf(mpi::Function::kPortEnable), 0u);
  EXPECT_EQ(hba_->live_objects(), 0u);
  EXPECT_EQ(hba_->Unfinished(), "");
}

// The sender refuses a request after the stop.
TEST_F(Lifetime, S18_RequestAfterTheStopIsRefused) {
  const discovery::FrameSender sender(*ioc_);
  sender.Close();
  ioc_->ClearRecords();
  absl::Status end;
  sender.Send(mpi::EncodePortEnableRequest(), [&end](auto reply) { end = reply.status(); });
  EXPECT_TRUE(absl::IsCancelled(end)) << end;
  EXPECT_EQ(ioc_->CountOf(mpi::Function::kPortEnable), 0u);
}

TEST_F(LifetimeOfThreads, S18_StoppedDriverAnswersFromMemory) {
  AwaitIdle();
  driver_->Stop();
  driver_->Rescan();
  EXPECT_TRUE(fabric().ResetHost(host_id()).ok());
  EXPECT_TRUE(driver_->WaitIdle(absl::ZeroDuration()).ok());
  EXPECT_EQ(driver_->stats().resets, 0u) << "it does not see the reset";
  EXPECT_EQ(driver_->stats().rescans, 0u);
}

TEST_F(Lifetime, S28_RemovedHostFreesEveryNode) {
  emulator::SyntheticFabricOptions options = SmallFabric();
  options.expanders_per_host = 9;  // the last one is behind another
  Create(options);
  RunAll();
  ASSERT_EQ(hba_->nodes().expander_count(), 9u);
  ASSERT_EQ(devices().active_size(), 27u);
  std::vector<std::weak_ptr<device::Counted>> all = {hba_->nodes().host()};
  for (const device::NodeRef& node : hba_->nodes().Expanders()) {
    all.push_back(node);
    for (const device::DeviceRef& device : devices().ChildrenOf(node->key())) all.push_back(device);
  }
  ASSERT_EQ(all.size(), 37u);
  sink_->ClearRecords();
  hba_->Stop();
  for (const std::weak_ptr<device::Counted>& object : all) EXPECT_TRUE(object.expired());
  EXPECT_EQ(hba_->live_objects(), 0u);
  EXPECT_EQ(hba_->nodes().expander_count(), 0u);
  EXPECT_EQ(hba_->nodes().enclosure_count(), 0u);
  EXPECT_EQ(devices().size() + devices().init_size() + devices().active_size(), 0u);
  EXPECT_TRUE(sink_->batches().empty())
      << "the daemon, not the driver, reports the removal of a host";
}

// A stop after each of the worker's steps in turn.
TEST_F(Lifetime, S32_StopDuringAResetLeaksNothing) {
  bool more = true;
  for (int steps = 0; more; ++steps) {
    SCOPED_TRACE(steps);
    Create(SmallFabric());
    RunAll();
    ASSERT_TRUE(fabric().ResetHost(host_id()).ok());
    for (int i = 0; i < steps && more; ++i) more = hba_->RunWorkerStep();
    StopHba();
  }
}

TEST_F(LifetimeOfThreads, S32_StopRacingResetsLeaksNothing) {
  for (int round = 0; round < 10; ++round) {
    StartDriver();
    absl::Notification resetting;
    std::thread resetter([&] {
      for (int i = 0; i < 5; ++i) {
        EXPECT_TRUE(fabric().ResetHost(host_id()).ok());
        if (i == round % 5) resetting.Notify();
      }
    });
    resetting.WaitForNotification();
    StopDriver();
    resetter.join();
  }
}

}  // namespace
}  // namespace sasd::lifetime
