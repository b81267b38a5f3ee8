#include "driver/discovery/hba.h"

#include <optional>
#include <string>
#include <utility>

#include "driver/wire/mpi/constants.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/lifetime/testbed.h"

// The test chooses the order of the driver's steps, on the virtual HBA: one thread, and time stands
// still.
namespace sasd::discovery {
namespace {

using lifetime::kDrive;
using lifetime::kOther;

using testing::ElementsAre;
using HbaTest = lifetime::Testbed;

// Found by a storm: a drive that was pulled and inserted while events were lost stayed failed
// forever.
TEST_F(HbaTest, AnswerOlderThanTheWalkFailsNoAttach) {
  Attach attach = BeginAttachOfDrive();
  hba_->Rescan();  // its walk takes the place of the events that follow
  // The interrupt's part of the removal gives the handle back, so nothing answers there.
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  hba_->attacher().RunCommands(attach);
  EXPECT_FALSE(attach.units.ok());
  // It returns under the same handle, and the walk sees nothing else.
  ASSERT_TRUE(fabric().Insert(kDrive).ok());
  RunWorker();
  hba_->attacher().Complete(std::move(attach));
  RunAll();
  EXPECT_EQ(State(), DeviceState::kAttached);
  EXPECT_EQ(hba_->Unfinished(), "");
}

TEST_F(HbaTest, ReturningDriveIsProbedAtOnce) {
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

TEST_F(HbaTest, GivenBackHandleIsNoDeviceFailure) {
  Attach attach = BeginAttachOfDrive();
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  hba_->attacher().RunCommands(attach);
  hba_->attacher().Complete(std::move(attach));
  RunAll();
  EXPECT_THAT(Reported(drive_), ElementsAre("discovered", "gone"));
}

// Found by a storm: the handle belonged to another drive for a while, and that drive's answers
// became this one's.
TEST_F(HbaTest, AttachIgnoresAnswersOfAnotherDrive) {
  Attach attach = BeginAttachOfDrive();
  hba_->Rescan();  // its walk takes the place of the events that follow
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  ASSERT_TRUE(fabric().Pull(kOther).ok());
  ASSERT_TRUE(fabric().Insert(kOther).ok());
  hba_->attacher().RunCommands(attach);
  ASSERT_TRUE(attach.units.ok()) << "no drive has the handle";
  ASSERT_NE(attach.units->front().serial, drive_.serial);
  ASSERT_TRUE(fabric().Pull(kOther).ok());
  ASSERT_TRUE(fabric().Insert(kDrive).ok());
  RunWorker();
  hba_->attacher().Complete(std::move(attach));
  RunAll();
  EXPECT_EQ(State(), DeviceState::kAttached);
  EXPECT_THAT(Reported(drive_),
              ElementsAre("discovered", "gone", "discovered", "attached", "unit " + drive_.serial));
}

// The walk continues to its end and reports what it has found.
TEST_F(HbaTest, RemovalsOfAnInterruptedWalkAreReported) {
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

TEST_F(HbaTest, WalkAfterAGapRetriesFailedDevices) {
  transport().SetRequestHook(mpi::Function::kScsiIo,
                             [](ByteSpan) { return mpi::IocStatus::kScsiProtocolError; });
  RunAll();
  ASSERT_EQ(State(), DeviceState::kFailed);
  transport().SetRequestHook(mpi::Function::kScsiIo, {});
  LoseAnEvent();
  RunAll();
  EXPECT_EQ(State(), DeviceState::kAttached);
}

// Found by a storm: when the worker looks, the first drive's handle belongs to the second one, and
// the first one's phy kept a link to it.
TEST_F(HbaTest, PhyIsNotLinkedToHandlesNewDrive) {
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

// The same with the events in the wrong order.
TEST_F(HbaTest, EventOlderThanThePageLinksNoPhy) {
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

// The firmware need not report each device before.
TEST_F(HbaTest, ExpanderRemovalTakesItsSubtree) {
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

TEST_F(HbaTest, VacantPhyWithoutResponseIsARemoval) {
  RunAll();
  mpi::TopologyChangeList list = ListOf(drive_, mpi::PhyReason::kTargetNotResponding);
  list.entries[0].vacant = true;
  ioc_->Deliver(list);
  RunAll();
  EXPECT_EQ(State(), std::nullopt);
}

TEST_F(HbaTest, SinkMayCallTheDriver) {
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

// The next bugs were found by stepwise storms (tests/storm).

TEST_F(HbaTest, DriveReturningWithAnErrorIsNotAttached) {
  emulator::SyntheticFabricOptions options = lifetime::SmallFabric();
  options.report_missing_delay_s = 1;
  Create(options);
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  ASSERT_TRUE(fabric().SetAccessStatus(kDrive, 1).ok());
  ASSERT_TRUE(fabric().Insert(kDrive).ok());  // within the delay: it never went
  RunAll();
  EXPECT_EQ(State(), DeviceState::kFailed);
}

TEST_F(HbaTest, HostResetEndsInternalDeviceReset) {
  ASSERT_TRUE(fabric().InjectDeviceStatus(kDrive, lifetime::kResetBegins).ok());
  ASSERT_TRUE(fabric().ResetHost(emulator_->HostId(0)).ok());
  RunAll();
  EXPECT_EQ(State(), DeviceState::kAttached);
}

TEST_F(HbaTest, WalkEndsDeviceResetWhoseEventWasLost) {
  ASSERT_TRUE(fabric().InjectDeviceStatus(kDrive, lifetime::kResetBegins).ok());
  const std::string host = emulator_->HostId(0);
  ASSERT_TRUE(fabric().InjectFault(host, emulator::FaultKind::kEventLost, 1).ok());
  ASSERT_TRUE(fabric().InjectDeviceStatus(kDrive, lifetime::kResetEnds).ok());
  ASSERT_TRUE(fabric().InjectLogEntry(host, 0, "one was lost").ok());
  RunAll();
  EXPECT_EQ(State(), DeviceState::kAttached);
}

TEST_F(HbaTest, MistakenPhyIsReadAgain) {
  CreateEmulator(lifetime::SmallFabric());
  CreateHba();
  ASSERT_TRUE(hba_->Start().ok());
  // Before the worker sees the drives: in the end one has the handle of the other.
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
