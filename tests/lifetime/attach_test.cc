// A device between the init list and the active list, and the events that may interrupt it.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "driver/wire/mpi/constants.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/lifetime/testbed.h"

namespace sasd::lifetime {
namespace {

using discovery::Attach;
using testing::ElementsAre;

using Lifetime = Testbed;
using DeviceWeak = std::weak_ptr<device::Device>;

// The counterpart of the kernel's port: the parent's phys that lead to the device.
size_t PortWidth(const discovery::Hba& hba, SasAddress parent, SasAddress device) {
  for (const device::NodeRef& node : hba.nodes().Expanders()) {
    if (node->key().address == parent) return hba.nodes().PhysAttachedTo(*node, device).size();
  }
  return 0;
}

std::string UnitOf(const emulator::TruthDevice& device) { return "unit " + device.serial; }

TEST_F(Lifetime, S01_NextDeviceRemovedDuringAttachIsSkipped) {
  Attach attach = BeginAttachOfDrive();
  const size_t waiting = devices().init_size();
  const DeviceWeak next = devices().Find(KeyOf(other_));
  ioc_->ClearRecords();
  ASSERT_TRUE(fabric().Pull(kOther).ok());
  RunWorker();
  EXPECT_TRUE(next.expired());
  EXPECT_EQ(devices().init_size(), waiting - 1);
  hba_->attacher().RunCommands(attach);
  hba_->attacher().Complete(std::move(attach));
  attach = *hba_->attacher().Begin();
  ASSERT_GT(attach.ticket.device.use_count(), 1) << "a device without an owner";
  EXPECT_EQ(attach.ticket.device, devices().FindByHandle(attach.ticket.handle));
  hba_->attacher().RunCommands(attach);
  hba_->attacher().Complete(std::move(attach));
  RunAll();
  EXPECT_THAT(Reported(drive_), ElementsAre("discovered", "attached", UnitOf(drive_)));
  EXPECT_THAT(Reported(other_), ElementsAre("discovered", "gone"));
  EXPECT_EQ(ioc_->Handshakes().size(), 2u);
  ExpectSettled();
}

TEST_F(Lifetime, S02_DeviceRemovedDuringAttachLeavesNothing) {
  Attach attach = BeginAttachOfDrive();
  const DeviceWeak device = attach.ticket.device;
  const size_t active = devices().active_size();
  const std::string handle = absl::StrFormat("0x%04x", drive_.handle.value());
  ioc_->ClearRecords();
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  RunWorker();
  ASSERT_EQ(device.use_count(), 1) << "the attach's own reference";
  hba_->attacher().RunCommands(attach);
  EXPECT_EQ(ioc_->CountOf(mpi::Function::kScsiIo), 0u) << "commands to a gone device";
  hba_->attacher().Complete(std::move(attach));
  EXPECT_TRUE(device.expired());
  EXPECT_EQ(devices().active_size(), active);
  EXPECT_EQ(devices().Find(KeyOf(drive_)), nullptr);
  EXPECT_EQ(PortWidth(*hba_, drive_.parent, drive_.address), 0u);
  EXPECT_THAT(Reported(drive_), ElementsAre("discovered", "gone"));
  EXPECT_THAT(ioc_->Handshakes(), ElementsAre("reset " + handle, "remove " + handle));
  RunAll();
  ExpectSettled();
}

// The counterpart of target_alloc: a lookup of the device while it is probed.
TEST_F(Lifetime, S03_DeviceIsFoundDuringItsAttach) {
  bool asked = false;
  Attach attach = BeginAttachOfDrive();
  ioc_->Before(mpi::Function::kScsiIo, [&] {
    asked = true;
    const device::DeviceRef found = devices().Find(KeyOf(drive_));
    ASSERT_EQ(found, attach.ticket.device);
    EXPECT_EQ(devices().FindByHandle(drive_.handle), found);
    EXPECT_THAT(devices().ChildrenOf(devices().View(*found).info.parent), testing::Contains(found));
    EXPECT_EQ(devices().View(*found).state, device::LifeState::kAttaching);
    EXPECT_EQ(devices().CheckInvariants(), "");
  });
  const size_t waiting = devices().init_size(), active = devices().active_size();
  hba_->attacher().RunCommands(attach);
  EXPECT_TRUE(asked);
  EXPECT_EQ(devices().init_size(), waiting)
      << "it stays on its list until it moves to the other one";
  hba_->attacher().Complete(std::move(attach));
  EXPECT_EQ(devices().init_size(), waiting - 1);
  EXPECT_EQ(devices().active_size(), active + 1);
  EXPECT_EQ(PortWidth(*hba_, drive_.parent, drive_.address), 1u);
  EXPECT_THAT(Reported(drive_), ElementsAre("discovered", "attached", UnitOf(drive_)));
}

// Found by a storm: the walk reported the removal of a drive at its end, after the attacher had
// reported the identity of the drive in its place.
TEST_F(Lifetime, S03_DeviceIsAttachedOnlyAfterItsReport) {
  RunAll();
  hba_->Rescan();
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  ASSERT_TRUE(fabric().Insert(kDrive).ok());
  RunWalkPastDevices();
  while (hba_->RunAttachStep()) {
  }
  RunAll();
  const std::string unit = "unit " + drive_.serial;
  EXPECT_THAT(Reported(drive_),
              ElementsAre("discovered", "attached", unit, "gone", "discovered", "attached", unit));
}

// The next drive in its place is attached: nothing of the old one prevents that.
TEST_F(Lifetime, S04_RemovalBeforeTheAttachEndsWins) {
  Attach attach = BeginAttachOfDrive();
  const DeviceWeak device = attach.ticket.device;
  hba_->attacher().RunCommands(attach);
  ASSERT_TRUE(attach.units.ok());
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  RunWorker();
  hba_->attacher().Complete(std::move(attach));
  EXPECT_TRUE(device.expired());
  EXPECT_EQ(devices().Find(KeyOf(drive_)), nullptr);
  EXPECT_THAT(Reported(drive_), ElementsAre("discovered", "gone"));
  ASSERT_TRUE(fabric().Insert(kDrive).ok());
  RunAll();
  EXPECT_THAT(Reported(drive_),
              ElementsAre("discovered", "gone", "discovered", "attached", UnitOf(drive_)));
  ExpectSettled();
}

// The arrival of the event has blocked it, and the walk that replaces the event does not find it.
TEST_F(Lifetime, S04_GoneDeviceReportsOnlyItsRemoval) {
  emulator::SyntheticFabricOptions options = SmallFabric();
  options.report_missing_delay_s = 5;
  Create(options);
  RunAll();
  hba_->Rescan();
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  clock_.Advance(absl::Seconds(6));
  emulator_->RunTimers();
  RunAll();
  EXPECT_THAT(Reported(drive_), ElementsAre("discovered", "attached", UnitOf(drive_), "gone"));
  ExpectSettled();
}

// The counterpart of a stale port: the device of a SATA drive, whose address is that of its place.
// Another drive there has the same handle and address. The walk reads the new drive's page, or has
// read the old one's already.
TEST_F(Lifetime, S05_NewDeviceReplacesStaleOneAtItsAddress) {
  emulator::SyntheticFabricOptions options = SmallFabric();
  options.sata_every = 1;
  for (const bool read_already : {false, true}) {
    SCOPED_TRACE(read_already);
    Create(options);
    RunAll();
    const size_t count = devices().size();
    const DeviceWeak stale = devices().Find(KeyOf(drive_));
    hba_->Rescan();
    if (read_already) RunWalkPastDevices();
    if (!read_already) hba_->RunWorkerStep();
    ASSERT_TRUE(fabric().Pull(kDrive).ok());
    ASSERT_TRUE(fabric().Insert(kDrive, "ANOTHER").ok());
    RunAll();
    EXPECT_TRUE(stale.expired());
    EXPECT_EQ(devices().size(), count);
    EXPECT_THAT(Reported(drive_), ElementsAre("discovered", "attached", UnitOf(drive_), "gone",
                                              "discovered", "attached", "unit ANOTHER"));
    ExpectSettled();
  }
}

// The steps of an attach are its commands: REPORT LUNS, INQUIRY, two VPD pages, READ CAPACITY.
TEST_F(Lifetime, S13_AttachFailingAtAnyStepIsUndone) {
  for (int failing = 0; failing < 5; ++failing) {
    SCOPED_TRACE(failing);
    Create(SmallFabric());
    Attach attach = BeginAttachOfDrive();
    const size_t waiting = devices().init_size(), active = devices().active_size();
    const DeviceWeak device = attach.ticket.device;
    int step = 0;
    transport().SetRequestHook(mpi::Function::kScsiIo,
                               [&](ByteSpan) -> std::optional<mpi::IocStatus> {
                                 if (step++ < failing) return std::nullopt;
                                 return mpi::IocStatus::kScsiIocTerminated;
                               });
    hba_->attacher().RunCommands(attach);
    hba_->attacher().Complete(std::move(attach));
    EXPECT_GT(step, failing);
    EXPECT_EQ(devices().init_size(), waiting);
    EXPECT_EQ(devices().active_size(), active);
    StopHba();
    EXPECT_TRUE(device.expired());
    const std::vector<std::string> reports = Reported(drive_);
    EXPECT_THAT(reports, ElementsAre("discovered"))
        << "a device that was never added is not removed";
  }
}

TEST_F(Lifetime, S13_AbandonedAttachLeavesBothLists) {
  transport().SetRequestHook(mpi::Function::kScsiIo,
                             [](ByteSpan) { return mpi::IocStatus::kScsiProtocolError; });
  RunAll();
  EXPECT_EQ(devices().init_size(), 0u);
  EXPECT_EQ(devices().active_size(), 0u);
  EXPECT_THAT(Reported(drive_), ElementsAre("discovered", "failed"));
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  RunAll();
  EXPECT_THAT(Reported(drive_), ElementsAre("discovered", "failed", "gone"));
}

TEST_F(Lifetime, S14_LastReferenceFreesTheDevice) {
  RunAll();
  const size_t live = hba_->live_objects();
  device::DeviceRef found = devices().FindByHandle(drive_.handle);
  std::vector<device::DeviceRef> children =
      devices().ChildrenOf(devices().View(*found).info.parent);
  const DeviceWeak device = found;
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  RunWorker();
  EXPECT_EQ(device.use_count(), 2) << "only those of the lookups";
  found.reset();
  ASSERT_EQ(device.use_count(), 1);
  EXPECT_EQ(hba_->live_objects(), live);
  for (const device::DeviceRef& child : children) {
    const device::DeviceView view = devices().View(*child);
    EXPECT_EQ(view.info.key, child->key());
    const bool gone = view.state == device::LifeState::kGone;
    EXPECT_EQ(gone, child->key() == KeyOf(drive_));
  }
  children.clear();
  EXPECT_TRUE(device.expired());
  EXPECT_EQ(hba_->live_objects(), live - 1);
}

// An event holds the devices that its arrival has changed until it was handled.
TEST_F(Lifetime, S14_EventHoldsTheDeviceItBlocked) {
  emulator::SyntheticFabricOptions options = SmallFabric();
  options.report_missing_delay_s = 5;
  Create(options);
  RunAll();
  const DeviceWeak device = devices().Find(KeyOf(drive_));
  const long known = device.use_count();
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  EXPECT_EQ(device.use_count(), known + 1);
  RunWorker();
  EXPECT_EQ(device.use_count(), known);
  EXPECT_EQ(State(), DeviceState::kBlocked);
}

// The removal events of both drives were lost; a walk removes one drive per step.
TEST_F(Lifetime, S14_WalkHoldsDevicesItWillRemove) {
  RunAll();
  const DeviceWeak last = devices().Find(KeyOf(other_));
  const long known = last.use_count();
  ASSERT_TRUE(fabric().InjectFault(host_id(), emulator::FaultKind::kEventLost, 2).ok());
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  ASSERT_TRUE(fabric().Pull(kOther).ok());
  while (devices().Find(KeyOf(drive_)) != nullptr) ASSERT_TRUE(hba_->RunWorkerStep());
  EXPECT_EQ(last.use_count(), known + 1);
  RunAll();
  EXPECT_TRUE(last.expired());
  EXPECT_THAT(Reported(other_), ElementsAre("discovered", "attached", UnitOf(other_), "gone"));
  ExpectSettled();
}

TEST_F(Lifetime, S22_RemovalEndsRetriesOfABusyDevice) {
  ASSERT_TRUE(fabric().InjectDeviceStatus(kDrive, kResetBegins).ok());
  RunAll();
  EXPECT_THAT(Reported(drive_), ElementsAre("discovered"));
  EXPECT_EQ(StateOf(other_), DeviceState::kAttached) << "other devices do not wait for it";
  EXPECT_EQ(hba_->NextAttachDue(), discovery::Attacher::kFirstDelay);
  EXPECT_FALSE(hba_->RunAttachStep()) << "before it is due";
  clock_.Advance(discovery::Attacher::kFirstDelay);
  RunAll();
  EXPECT_EQ(hba_->NextAttachDue() - clock_.Monotonic(), 2 * discovery::Attacher::kFirstDelay);
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  RunAll();
  EXPECT_EQ(hba_->NextAttachDue(), absl::InfiniteDuration());
  clock_.Advance(absl::Hours(1));
  RunAll();
  EXPECT_THAT(Reported(drive_), ElementsAre("discovered", "gone"));
  ExpectSettled();
}

TEST_F(Lifetime, S22_BusyDeviceIsAttachedLaterUnlessStopped) {
  ASSERT_TRUE(fabric().InjectDeviceStatus(kDrive, kResetBegins).ok());
  ASSERT_TRUE(fabric().InjectDeviceStatus(kOther, kResetBegins).ok());
  RunAll();
  ASSERT_TRUE(fabric().InjectDeviceStatus(kDrive, kResetEnds).ok());
  clock_.Advance(discovery::Attacher::kFirstDelay);
  RunAll();
  EXPECT_THAT(Reported(drive_), ElementsAre("discovered", "attached", UnitOf(drive_)));
  EXPECT_NE(hba_->NextAttachDue(), absl::InfiniteDuration());
  hba_->Stop();
  EXPECT_EQ(hba_->NextAttachDue(), absl::InfiniteDuration());
  clock_.Advance(absl::Hours(1));
  EXPECT_FALSE(hba_->RunAttachStep());
  EXPECT_THAT(Reported(other_), ElementsAre("discovered"));
}

// The event about the end of its reset does not come.
TEST_F(Lifetime, S22_DeviceBusyTooLongIsProbedAnyway) {
  ASSERT_TRUE(fabric().InjectDeviceStatus(kDrive, kResetBegins).ok());
  RunAll();
  for (int i = 1; i < discovery::Attacher::kMaxFailures; ++i) {
    ASSERT_THAT(Reported(drive_), ElementsAre("discovered")) << i;
    clock_.Advance(hba_->NextAttachDue() - clock_.Monotonic());
    RunAll();
  }
  EXPECT_THAT(Reported(drive_), ElementsAre("discovered", "attached", UnitOf(drive_)));
  EXPECT_FALSE(devices().View(*devices().Find(KeyOf(drive_))).busy);
  ExpectSettled();
}

TEST_F(Lifetime, S22_UnreadableEndOfResetCausesAWalk) {
  ASSERT_TRUE(fabric().InjectDeviceStatus(kDrive, kResetBegins).ok());
  RunAll();
  ASSERT_TRUE(fabric().InjectFault(host_id(), emulator::FaultKind::kEventTruncated, 1).ok());
  ASSERT_TRUE(fabric().InjectDeviceStatus(kDrive, kResetEnds).ok());
  RunAll();
  EXPECT_EQ(hba_->arrival().rejected(), 1u);
  EXPECT_EQ(State(), DeviceState::kAttached);
  ExpectSettled();
}

TEST_F(Lifetime, S22_LateEndOfResetRevivesFailedDevice) {
  ASSERT_TRUE(fabric().InjectDeviceStatus(kDrive, kResetBegins).ok());
  RunAll();
  transport().SetRequestHook(mpi::Function::kScsiIo,
                             [](ByteSpan) { return mpi::IocStatus::kScsiProtocolError; });
  while (hba_->NextAttachDue() != absl::InfiniteDuration()) {
    clock_.Advance(hba_->NextAttachDue() - clock_.Monotonic());
    RunAll();
  }
  ASSERT_EQ(State(), DeviceState::kFailed);
  transport().SetRequestHook(mpi::Function::kScsiIo, {});
  ASSERT_TRUE(fabric().InjectDeviceStatus(kDrive, kResetEnds).ok());
  RunAll();
  EXPECT_EQ(State(), DeviceState::kAttached);
  ExpectSettled();
}

TEST_F(Lifetime, S25_DelayDoesNotBlockAnAttachingDevice) {
  emulator::SyntheticFabricOptions options = SmallFabric();
  options.report_missing_delay_s = 5;
  Create(options);
  Attach attach = BeginAttachOfDrive();
  hba_->attacher().RunCommands(attach);
  ASSERT_TRUE(attach.units.ok());
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  EXPECT_EQ(devices().View(*attach.ticket.device).state, device::LifeState::kAttaching);
  RunWorker();
  ASSERT_TRUE(fabric().Insert(kDrive).ok());
  RunWorker();
  hba_->attacher().Complete(std::move(attach));
  RunAll();
  EXPECT_THAT(Reported(drive_), ElementsAre("discovered", "attached", UnitOf(drive_)));
  ExpectSettled();
}

TEST_F(Lifetime, S27_FailedDeviceKeepsItsObjectWhenReportedAgain) {
  transport().SetRequestHook(mpi::Function::kScsiIo,
                             [](ByteSpan) { return mpi::IocStatus::kScsiProtocolError; });
  RunAll();
  ASSERT_EQ(State(), DeviceState::kFailed);
  transport().SetRequestHook(mpi::Function::kScsiIo, {});
  const DeviceWeak device = devices().Find(KeyOf(drive_));
  ioc_->Deliver(ListOf(drive_, mpi::PhyReason::kTargetAdded));
  RunAll();
  EXPECT_EQ(devices().Find(KeyOf(drive_)), device.lock());
  EXPECT_THAT(Reported(drive_),
              ElementsAre("discovered", "failed", "discovered", "attached", UnitOf(drive_)));
  const NodeKey parent = devices().View(*device.lock()).info.parent;
  const size_t children = devices().ChildrenOf(parent).size();
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  RunAll();
  EXPECT_TRUE(device.expired());
  EXPECT_EQ(devices().FindByHandle(drive_.handle), nullptr);
  EXPECT_EQ(devices().ChildrenOf(parent).size(), children - 1);
}

}  // namespace
}  // namespace sasd::lifetime
