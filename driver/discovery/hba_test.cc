#include "driver/discovery/hba.h"

#include <optional>
#include <string>
#include <utility>

#include "driver/lifetime/testbed.h"
#include "driver/mpi/constants.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

// The driver's steps in orders chosen here, on the virtual HBA: one thread, and time stands still.
namespace sasd::discovery {
namespace {

using lifetime::kDrive;
using lifetime::kOther;

using testing::ElementsAre;
using HbaTest = lifetime::Testbed;

// A storm found it: a drive pulled and inserted while events were lost stayed failed for ever.
TEST_F(HbaTest, AnAttachIsNotFailedByAnAnswerOlderThanTheWalkThatFoundTheDevice) {
  Attach attach = BeginAttachOfDrive();
  hba_->Rescan();  // its walk takes the place of the events that follow
  // The interrupt's part of the removal gives the handle back, so that nothing answers there.
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  hba_->attacher().RunCommands(attach);
  EXPECT_FALSE(attach.units.ok());
  // It comes back under the same handle, and the walk knows of nothing else.
  ASSERT_TRUE(fabric().Insert(kDrive).ok());
  RunWorker();
  hba_->attacher().Complete(std::move(attach));
  RunAll();
  EXPECT_EQ(State(), DeviceState::kAttached);
  EXPECT_EQ(hba_->Unfinished(), "");
}

TEST_F(HbaTest, ADriveThatIsBackIsAskedAtOnce) {
  emulator::SyntheticFabricOptions options = lifetime::SmallFabric();
  options.report_missing_delay_s = 5;
  Create(options);
  Attach attach = BeginAttachOfDrive();
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  hba_->attacher().RunCommands(attach);
  EXPECT_TRUE(absl::IsUnavailable(attach.units.status()));
  ASSERT_TRUE(fabric().Insert(kDrive).ok());
  RunWorker();
  hba_->attacher().Complete(std::move(attach));
  RunAll();  // while time stands still
  EXPECT_EQ(State(), DeviceState::kAttached);
}

TEST_F(HbaTest, AHandleThatTheFirmwareHasBackIsNoFailureOfTheDevice) {
  Attach attach = BeginAttachOfDrive();
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  hba_->attacher().RunCommands(attach);
  hba_->attacher().Complete(std::move(attach));
  RunAll();
  EXPECT_THAT(Told(drive_), ElementsAre("discovered", "gone"));
}

// A storm found it: the handle stood for another drive for a while, and what that one answered
// became the drive's own.
TEST_F(HbaTest, AnAttachHasNoAnswersOfAnotherDriveUnderTheSameHandle) {
  Attach attach = BeginAttachOfDrive();
  hba_->Rescan();  // its walk takes the place of the events that follow
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  ASSERT_TRUE(fabric().Pull(kOther).ok());
  ASSERT_TRUE(fabric().Insert(kOther).ok());
  hba_->attacher().RunCommands(attach);
  ASSERT_TRUE(attach.units.ok()) << "nothing is under the drive's handle";
  ASSERT_NE(attach.units->front().serial, drive_.serial);
  ASSERT_TRUE(fabric().Pull(kOther).ok());
  ASSERT_TRUE(fabric().Insert(kDrive).ok());
  RunWorker();
  hba_->attacher().Complete(std::move(attach));
  RunAll();
  EXPECT_EQ(State(), DeviceState::kAttached);
  EXPECT_THAT(Told(drive_),
              ElementsAre("discovered", "gone", "discovered", "attached", "unit " + drive_.serial));
}

// It goes on to its end, and tells what it has.
TEST_F(HbaTest, WhatAWalkFoundGoneIsToldThoughAResetEndsTheWalk) {
  RunAll();
  ASSERT_TRUE(fabric().InjectFault(host_id(), emulator::FaultKind::kEventLost, 3).ok());
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  ASSERT_TRUE(fabric().InjectLogEntry(host_id(), 0, "events were lost before this one").ok());
  const size_t before = hba_->live_objects();
  while (hba_->live_objects() == before) ASSERT_TRUE(hba_->RunWorkerStep());
  ASSERT_NE(State(), std::nullopt) << "the walk is over";
  ASSERT_TRUE(fabric().ResetHost(host_id()).ok());
  RunAll();
  EXPECT_EQ(State(), std::nullopt);
}

TEST_F(HbaTest, AWalkAfterAGapTriesFailedDevicesAnew) {
  transport().SetRequestHook(mpi::Function::kScsiIo,
                             [](ByteSpan) { return mpi::IocStatus::kScsiProtocolError; });
  RunAll();
  ASSERT_EQ(State(), DeviceState::kFailed);
  transport().SetRequestHook(mpi::Function::kScsiIo, {});
  LoseAnEvent();
  RunAll();
  EXPECT_EQ(State(), DeviceState::kAttached);
}

// A storm found it: when the worker looks, the handle of the first drive stands for the second one,
// and the first one's phy kept a link to that.
TEST_F(HbaTest, APhyIsNotLinkedToTheDriveThatHasItsHandleNow) {
  RunAll();
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  ASSERT_TRUE(fabric().Pull(kOther).ok());
  RunAll();
  ASSERT_TRUE(fabric().Insert(kDrive).ok());
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  ASSERT_TRUE(fabric().Insert(kOther).ok());
  RunAll();
  ExpectSettled();
}

// Likewise where the events come in the wrong order.
TEST_F(HbaTest, AnEventThatIsOlderThanThePageDoesNotLinkAPhy) {
  RunAll();
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  ASSERT_TRUE(fabric().Pull(kOther).ok());
  RunAll();
  ASSERT_TRUE(fabric().InjectFault(host_id(), emulator::FaultKind::kEventsReordered, 1).ok());
  ASSERT_TRUE(fabric().Insert(kDrive).ok());
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  ASSERT_TRUE(fabric().Insert(kOther).ok());
  RunAll();
  ExpectSettled();
}

// The firmware need not tell of each device before.
TEST_F(HbaTest, AnExpanderTakesAlongWhatIsBeneathIt) {
  emulator::SyntheticFabricOptions options = lifetime::SmallFabric();
  options.expanders_per_host = 9;  // the last one is behind another
  Create(options);
  RunAll();
  ASSERT_EQ(hba_->nodes().expander_count(), 9u);
  ASSERT_EQ(devices().size(), 27u);
  mpi::TopologyChangeList list;
  list.status = mpi::ExpanderStatus::kNotResponding;
  const emulator::HostTruth truth = emulator_->Truth(0);
  for (const emulator::TruthExpander& expander : truth.expanders) {
    if (expander.address == truth.expanders.back().parent) list.expander_handle = expander.handle;
  }
  ioc_->Deliver(list);
  RunAll();
  EXPECT_EQ(hba_->nodes().expander_count(), 7u);
  EXPECT_EQ(devices().size(), 21u);
}

TEST_F(HbaTest, AVacantPhyWhoseTargetDoesNotRespondIsARemoval) {
  RunAll();
  mpi::TopologyChangeList list = ListOf(drive_, mpi::PhyReason::kTargetNotResponding);
  list.entries[0].vacant = true;
  ioc_->Deliver(list);
  RunAll();
  EXPECT_EQ(State(), std::nullopt);
}

TEST_F(HbaTest, WhoIsToldMayAskBack) {
  class AskingSink : public ObservationSink {
   public:
    void Observe(ObservationBatch /*batch*/) override { unfinished = hba->Unfinished(); }
    Hba* hba = nullptr;
    std::string unfinished;
  };
  CreateEmulator(lifetime::SmallFabric());
  AskingSink sink;
  Hba hba(transport(), clock_, sink, [](Hba::Caller) {});
  sink.hba = &hba;
  lifetime::MustReturn("the sink is called with a lock held",
                       [&] { EXPECT_TRUE(hba.Start().ok()); });
  EXPECT_NE(sink.unfinished, "");
}

}  // namespace
}  // namespace sasd::discovery
