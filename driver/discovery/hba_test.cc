#include "driver/discovery/hba.h"

#include <optional>
#include <string>
#include <utility>

#include "driver/wire/mpi/constants.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/lifetime/testbed.h"

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
  const size_t before = devices().size();
  while (devices().size() == before) ASSERT_TRUE(hba_->RunWorkerStep());
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

// What follows was found by stepwise storms (tests/storm).

TEST_F(HbaTest, ADriveThatComesBackInTroubleIsNotAttached) {
  emulator::SyntheticFabricOptions options = lifetime::SmallFabric();
  options.report_missing_delay_s = 1;
  Create(options);
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  ASSERT_TRUE(fabric().SetAccessStatus(kDrive, 1).ok());
  ASSERT_TRUE(fabric().Insert(kDrive).ok());  // within the delay: it was never gone
  RunAll();
  EXPECT_EQ(State(), DeviceState::kFailed);
}

TEST_F(HbaTest, AHostResetEndsTheFirmwaresResetOfADevice) {
  ASSERT_TRUE(fabric().InjectDeviceStatus(kDrive, lifetime::kResetBegins).ok());
  ASSERT_TRUE(fabric().ResetHost(emulator_->HostId(0)).ok());
  RunAll();
  EXPECT_EQ(State(), DeviceState::kAttached);
}

TEST_F(HbaTest, AWalkEndsTheFirmwaresResetOfADeviceWhoseEventWasLost) {
  ASSERT_TRUE(fabric().InjectDeviceStatus(kDrive, lifetime::kResetBegins).ok());
  const std::string host = emulator_->HostId(0);
  ASSERT_TRUE(fabric().InjectFault(host, emulator::FaultKind::kEventLost, 1).ok());
  ASSERT_TRUE(fabric().InjectDeviceStatus(kDrive, lifetime::kResetEnds).ok());
  ASSERT_TRUE(fabric().InjectLogEntry(host, 0, "one was lost").ok());
  RunAll();
  EXPECT_EQ(State(), DeviceState::kAttached);
}

TEST_F(HbaTest, APhyThatWasTakenForAnothersIsReadAgain) {
  CreateEmulator(lifetime::SmallFabric());
  CreateHba();
  ASSERT_TRUE(hba_->Start().ok());
  // Before the worker sees that the drives are there: in the end one has the other's handle.
  ASSERT_TRUE(fabric().Pull(kOther).ok());
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  ASSERT_TRUE(fabric().Insert(kOther).ok());
  RunAll();
  const device::NodeRef expander = hba_->nodes().Expanders().at(0);
  const PhyId phy(static_cast<uint8_t>(drive_.parent_phy.value()));
  EXPECT_EQ(hba_->nodes().Phy(*expander, phy).attached, SasAddress(0));
}

}  // namespace
}  // namespace sasd::discovery
