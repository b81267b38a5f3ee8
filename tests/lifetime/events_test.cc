// Events from arrival to end: each is handled once, touches only its own objects, and may not claim
// too much.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>  // NOLINT: owned threads
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "driver/discovery/frame_sender.h"
#include "driver/discovery/page_reader.h"
#include "driver/wire/mpi/constants.h"
#include "driver/wire/mpi/events.h"
#include "driver/wire/mpi/messages.h"
#include "driver/wire/mpi/pages.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/lifetime/testbed.h"

namespace sasd::lifetime {
namespace {

using discovery::Attach;
using testing::ElementsAre;
using testing::HasSubstr;

using Lifetime = Testbed;
using DeviceWeak = std::weak_ptr<device::Device>;
using NodeWeak = std::weak_ptr<device::ExpanderNode>;

std::string Hex(DevHandle handle) { return absl::StrFormat("0x%04x", handle.value()); }
std::string UnitOf(const emulator::TruthDevice& device) { return "unit " + device.serial; }

// The page that a request has read; nullopt: none.
std::optional<mpi::SasDevicePage0> DevicePageIn(const transport::IocRequest& request) {
  if (request.data_in.empty()) return std::nullopt;
  const auto config = mpi::DecodeConfigRequest(request.frame);
  if (!config.ok() || config->page.ext_type != mpi::ExtPageType::kSasDevice) return std::nullopt;
  const auto page = mpi::DecodeSasDevicePage0(request.data_in);
  return page.ok() ? std::optional<mpi::SasDevicePage0>(*page) : std::nullopt;
}

TEST_F(Lifetime, S06_QueuedEventRunsOrIsCancelledOnce) {
  RunAll();
  sink_->ClearRecords();
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  ASSERT_TRUE(fabric().Pull(kOther).ok());
  while (State().has_value()) ASSERT_TRUE(hba_->RunWorkerStep());
  ASSERT_TRUE(fabric().InjectLogEntry(host_id(), 0, "queued").ok());
  const size_t run = BatchesOf(CauseKind::kFirmwareEvent);
  ASSERT_TRUE(fabric().ResetHost(host_id()).ok());
  RunAll();
  EXPECT_EQ(BatchesOf(CauseKind::kFirmwareEvent), run)
      << "the reset has cancelled the other events";
  EXPECT_THAT(Reported(drive_), ElementsAre("gone"));
  EXPECT_THAT(Reported(other_), ElementsAre("gone"));
  EXPECT_EQ(transport().unacknowledged_events(), 0u);
  ExpectSettled();
}

// The same with threads, for ThreadSanitizer.
TEST_F(Lifetime, S06_ResetsClearTheQueueBesideTheWorker) {
  RunAll();
  absl::Notification done;
  std::thread resetter([&] {
    for (int i = 0; i < 20; ++i) {
      EXPECT_TRUE(fabric().Pull(kDrive).ok());
      EXPECT_TRUE(fabric().ResetHost(host_id()).ok());
      EXPECT_TRUE(fabric().Insert(kDrive).ok());
    }
    done.Notify();
  });
  while (!done.HasBeenNotified()) {
    RunWorker();
    hba_->RunAttachStep();
  }
  resetter.join();
  RunAll();
  ExpectSettled();
}

// The counterpart of a port: the phys that lead to the expander.
TEST_F(Lifetime, S11_RemovedExpanderIsNotReadAgain) {
  RunAll();
  const NodeKey key = KeyOfExpander(kExpander);
  const NodeWeak expander = hba_->nodes().Find(key);
  const device::NodeRef held =
      hba_->nodes().FindByHandle(hba_->nodes().View(*expander.lock()).handle);
  ASSERT_EQ(held, expander.lock());
  sink_->ClearRecords();
  ioc_->ClearRecords();
  ASSERT_TRUE(fabric().SetExpander(kExpander, false).ok());
  RunWorker();
  EXPECT_EQ(ioc_->CountOf(mpi::Function::kConfig), 0u) << "pages of a gone expander";
  EXPECT_EQ(ioc_->CountOf(mpi::Function::kSmpPassthrough), 0u);
  EXPECT_EQ(expander.use_count(), 1) << "the reference of this test";
  EXPECT_TRUE(hba_->nodes().IsGone(*held));
  EXPECT_EQ(hba_->nodes().PhysAttachedTo(*hba_->nodes().host(), key.address).size(), 0u);
  EXPECT_THAT(sink_->Of(key), ElementsAre("gone"));
  EXPECT_THAT(Reported(drive_), ElementsAre("gone"));
  EXPECT_EQ(BatchesOf(CauseKind::kFirmwareEvent), sink_->batches().size());
}

// The counterpart of the kernel's log of a port's removal: the batch that reports it. It names the
// adapter and needs neither the object nor a lock: an attach ends at the same time.
TEST_F(Lifetime, S12_RemovalReportNeedsOnlyTheAdapter) {
  constexpr char kElsewhere[] = "h0-x001-d000";
  emulator::SyntheticFabricOptions options = SmallFabric();
  options.expanders_per_host = 2;
  Create(options);
  Attach attach = BeginAttachOf(kElsewhere);
  hba_->attacher().RunCommands(attach);
  const NodeKey key = KeyOfExpander(kExpander);
  const HostKey adapter = hba_->host();
  int reports = 0;
  std::thread attacher;
  sink_->set_on_batch([&](const ObservationBatch& batch) {
    for (const Observation& observation : batch.observations) {
      if (!std::holds_alternative<ExpanderGone>(observation)) continue;
      ++reports;
      EXPECT_EQ(batch.host, adapter);
      EXPECT_THAT(batch.cause.text, HasSubstr(ToHex(key.address)));
      EXPECT_EQ(hba_->nodes().Find(key), nullptr);
      EXPECT_EQ(devices().Find(KeyOf(drive_)), nullptr);
      auto ended = std::make_shared<absl::Notification>();
      attacher = std::thread([&, ended] {
        hba_->attacher().Complete(std::move(attach));
        ended->Notify();
      });
      EXPECT_TRUE(ended->WaitForNotificationWithTimeout(absl::Seconds(10)))
          << "the sink is called with a lock held";
    }
  });
  ASSERT_TRUE(fabric().SetExpander(kExpander, false).ok());
  RunAll();
  if (attacher.joinable()) attacher.join();
  EXPECT_EQ(reports, 1);
  EXPECT_EQ(StateOf(Truth(kElsewhere)), DeviceState::kAttached);
  ExpectSettled();
}

TEST_F(Lifetime, S15_EnclosureAddedTwiceGoesOnce) {
  RunAll();
  const auto enclosure_of_drive = [this] {
    for (const emulator::TruthEnclosure& enclosure : emulator_->Truth(0).enclosures) {
      if (enclosure.logical_id == drive_.enclosure) return enclosure;
    }
    ADD_FAILURE() << "no enclosure";
    return emulator::TruthEnclosure();
  };
  const auto add_twice = [&] {
    mpi::EnclosureStatusChange added;
    added.handle = enclosure_of_drive().handle;
    added.reason = mpi::EnclosureStatusChange::kAdded;
    ioc_->Deliver(added);
    ioc_->Deliver(added);
    RunAll();
  };
  const EnclosureKey key(drive_.enclosure.value());
  const size_t count = hba_->nodes().enclosure_count(), live = hba_->live_objects();
  add_twice();
  ASSERT_TRUE(fabric().ResetHost(host_id()).ok());
  RunAll();
  add_twice();
  EXPECT_EQ(hba_->nodes().enclosure_count(), count);
  EXPECT_EQ(hba_->live_objects(), live);
  const std::weak_ptr<device::EnclosureEntry> entry = hba_->nodes().FindEnclosure(key);
  ASSERT_FALSE(entry.expired());
  sink_->ClearRecords();
  ASSERT_TRUE(fabric().SetEnclosurePower("h0-e000", false).ok());
  RunAll();
  EXPECT_TRUE(entry.expired());
  EXPECT_EQ(hba_->nodes().enclosure_count(), count - 1);
  EXPECT_THAT(sink_->Of(key), ElementsAre("gone"));
}

TEST_F(Lifetime, S19_EndOfInternalResetNeedsNoWorker) {
  RunAll();
  ASSERT_TRUE(fabric().Pull(kOther).ok());
  RunAll();
  const device::DeviceRef busy = devices().Find(KeyOf(drive_));
  ASSERT_TRUE(fabric().InjectDeviceStatus(kDrive, kResetBegins).ok());
  EXPECT_TRUE(devices().View(*busy).busy);
  ASSERT_TRUE(fabric().Insert(kOther).ok());
  bool in_the_middle = false;
  ioc_->Before(mpi::Function::kConfig, [&] {  // the worker waits for a page of the other drive
    in_the_middle = true;
    ASSERT_TRUE(fabric().InjectDeviceStatus(kDrive, kResetEnds).ok());
    EXPECT_FALSE(devices().View(*busy).busy);
  });
  RunAll();
  EXPECT_TRUE(in_the_middle);
  ExpectSettled();
}

TEST_F(Lifetime, S20_HandlesBeyondMaxDevHandleAreRejected) {
  const DevHandle highest = drive_.handle, beyond = other_.handle;
  ASSERT_LT(highest, beyond);
  CreateEmulator(SmallFabric());  // the same handles are given out again
  CreateHba();
  ioc_->SetFilter([highest](const transport::IocRequest& request, transport::IocReply& reply) {
    if (*mpi::DecodeFunction(request.frame) != mpi::Function::kIocFacts) return;
    mpi::IocFactsReply facts = *mpi::DecodeIocFactsReply(reply.frame);
    facts.max_dev_handle = highest.value();
    reply.frame = mpi::EncodeIocFactsReply(facts);
  });
  ASSERT_TRUE(hba_->Start().ok());
  RunAll();
  EXPECT_GE(hba_->arrival().rejected(), 1u);
  EXPECT_EQ(devices().FindByHandle(beyond), nullptr);
  EXPECT_THAT(Reported(other_), testing::IsEmpty());
  EXPECT_THAT(Reported(drive_), ElementsAre("discovered", "attached", UnitOf(drive_)));
  EXPECT_THAT(sink_->batches().back().cause.text + hba_->Unfinished(), HasSubstr("tried again"));

  // Handles of volumes, for which the firmware would get a handshake.
  ioc_->ClearRecords();
  mpi::IrConfigurationChangeList volumes;
  volumes.elements.push_back({0, beyond, 7, 0, DevHandle(0)});
  volumes.elements.push_back({0, DevHandle(0), 5, 0, beyond});
  volumes.elements.push_back({0, highest, 7, 0, DevHandle(0)});
  ioc_->Deliver(volumes);
  EXPECT_THAT(ioc_->Handshakes(), ElementsAre("reset " + Hex(highest), "remove " + Hex(highest)));
}

// The other drive's page has the first one's address, on another port.
TEST_F(Lifetime, S21_AddressOnTwoPortsIsTwoDevices) {
  const emulator::TruthDevice first = drive_, second = other_;
  CreateEmulator(SmallFabric());  // the same handles are given out again
  CreateHba();
  ioc_->SetFilter([&](const transport::IocRequest& request, transport::IocReply&) {
    std::optional<mpi::SasDevicePage0> page = DevicePageIn(request);
    if (!page.has_value() || page->address != second.address) return;
    page->address = first.address;
    page->port = PhysicalPort(1);
    const Bytes bytes = mpi::EncodeSasDevicePage0(*page);
    std::copy(bytes.begin(), bytes.end(), request.data_in.begin());
  });
  ASSERT_TRUE(hba_->Start().ok());
  RunAll();
  const NodeKey one = KeyOf(first), two{one.host, first.address, PhysicalPort(1)};
  const device::DeviceRef on_one = devices().Find(one), on_two = devices().Find(two);
  ASSERT_NE(on_one, nullptr);
  ASSERT_NE(on_two, nullptr);
  EXPECT_NE(on_one, on_two);
  EXPECT_EQ(devices().View(*on_one).info.slot, first.slot);
  EXPECT_EQ(devices().View(*on_two).info.slot, second.slot);
  EXPECT_THAT(sink_->Of(one), ElementsAre("discovered", "attached", UnitOf(first)));
  EXPECT_THAT(sink_->Of(two), ElementsAre("discovered", "attached", UnitOf(second)));
  ASSERT_TRUE(fabric().Pull(kOther).ok());
  RunAll();
  EXPECT_EQ(sink_->Of(two).back(), "gone");
  EXPECT_EQ(sink_->StateOf(one), DeviceState::kAttached);
  EXPECT_EQ(devices().Find(one), on_one);
}

TEST_F(Lifetime, S23_HandshakeWaitsForAFreeFrame) {
  RunAll();
  ioc_->ClearRecords();
  const auto release = [this](emulator::HeldMessage::Kind kind) {
    for (const emulator::HeldMessage& message : transport().Held()) {
      if (message.kind == kind) transport().Release(message.id).IgnoreError();
    }
  };
  transport().Hold();
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  release(emulator::HeldMessage::Kind::kEvent);
  EXPECT_THAT(ioc_->Handshakes(), ElementsAre("reset " + Hex(drive_.handle)));
  transport().SetRequestCredit(0);
  release(emulator::HeldMessage::Kind::kReply);
  EXPECT_THAT(ioc_->Handshakes(), ElementsAre("reset " + Hex(drive_.handle)));
  EXPECT_THAT(hba_->Unfinished(), HasSubstr("requests in flight"));
  // An acknowledgement waits behind it.
  ASSERT_TRUE(fabric().InjectLogEntry(host_id(), 0, "to be acknowledged").ok());
  transport().ReleaseAll();
  EXPECT_EQ(transport().unacknowledged_events(), 1u);
  transport().SetRequestCredit(1);
  RunAll();
  EXPECT_THAT(ioc_->Handshakes(),
              ElementsAre("reset " + Hex(drive_.handle), "remove " + Hex(drive_.handle)));
  EXPECT_EQ(hba_->handshakes(), 1u);
  EXPECT_EQ(transport().unacknowledged_events(), 0u);
  ExpectSettled();
}

TEST_F(Lifetime, S23_DuplicatedRemovalStartsOneHandshake) {
  RunAll();
  ioc_->ClearRecords();
  ASSERT_TRUE(fabric().InjectFault(host_id(), emulator::FaultKind::kEventDuplicated, 1).ok());
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  RunAll();
  EXPECT_THAT(ioc_->Handshakes(),
              ElementsAre("reset " + Hex(drive_.handle), "remove " + Hex(drive_.handle)));
  EXPECT_THAT(Reported(drive_), ElementsAre("discovered", "attached", UnitOf(drive_), "gone"));
  ExpectSettled();
}

TEST_F(Lifetime, S23_RemovalWithoutADeviceStartsOneHandshake) {
  RunAll();
  const DevHandle unknown(static_cast<uint16_t>(other_.handle.value() + 20));
  ASSERT_EQ(devices().FindByHandle(unknown), nullptr);
  ASSERT_EQ(hba_->nodes().FindByHandle(unknown), nullptr);
  mpi::TopologyChangeList list = ListOf(drive_, mpi::PhyReason::kTargetNotResponding);
  list.entries[0].attached_handle = unknown;
  const auto once = ElementsAre("reset " + Hex(unknown), "remove " + Hex(unknown));
  ioc_->ClearRecords();
  ioc_->Deliver(list);
  ioc_->Deliver(list);
  RunAll();
  EXPECT_THAT(ioc_->Handshakes(), once);
  // Lost events may have been about a new owner of the handle and about its end.
  ioc_->ClearRecords();
  ioc_->DeliverEventsLost(2);
  ioc_->Deliver(list);
  ioc_->Deliver(list);
  RunAll();
  EXPECT_THAT(ioc_->Handshakes(), once);
  EXPECT_EQ(State(), DeviceState::kAttached);
  ExpectSettled();
}

TEST_F(Lifetime, S23_VolumeHandshakePrecedesItsDisks) {
  RunAll();
  ioc_->ClearRecords();
  mpi::IrConfigurationChangeList list;
  list.elements.push_back({0, DevHandle(0), 5, 0, drive_.handle});     // a disk is unhidden
  list.elements.push_back({0, DevHandle(0x200), 7, 0, DevHandle(0)});  // its volume is deleted
  ioc_->Deliver(list);
  EXPECT_THAT(ioc_->Handshakes(),
              ElementsAre("reset 0x0200", "remove 0x0200", "reset " + Hex(drive_.handle)));
}

// The event about its removal is lost without a trace. The firmware keeps the old handles until the
// host gives them back.
TEST_F(Lifetime, S23_ReturnedExpanderGivesItsOldHandlesBack) {
  RunAll();
  const DevHandle old = hba_->nodes().View(*hba_->nodes().Find(KeyOfExpander(kExpander))).handle;
  ioc_->ClearRecords();
  ioc_->SetHearing(false);
  ASSERT_TRUE(fabric().SetExpander(kExpander, false).ok());
  ioc_->SetHearing(true);
  ASSERT_TRUE(fabric().SetExpander(kExpander, true).ok());
  RunAll();
  ASSERT_NE(Truth(kDrive).handle, drive_.handle) << "the firmware has reused it already";
  for (const DevHandle handle : {old, drive_.handle, other_.handle}) {
    EXPECT_THAT(ioc_->Handshakes(), testing::Contains("reset " + Hex(handle)).Times(1));
    EXPECT_THAT(ioc_->Handshakes(), testing::Contains("remove " + Hex(handle)).Times(1));
  }
  EXPECT_EQ(State(), DeviceState::kAttached);
  ExpectSettled();
}

TEST_F(Lifetime, S24_VacantPhyWithoutResponseIsARemoval) {
  RunAll();
  ioc_->ClearRecords();
  mpi::TopologyChangeList list = ListOf(drive_, mpi::PhyReason::kTargetNotResponding);
  list.entries[0].vacant = true;
  transport().Hold();  // the firmware's own event comes later
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  ioc_->Deliver(list);
  EXPECT_THAT(ioc_->Handshakes(), ElementsAre("reset " + Hex(drive_.handle)));
  RunWorker();
  EXPECT_THAT(Reported(drive_), ElementsAre("discovered", "attached", UnitOf(drive_), "gone"));
  transport().ReleaseAll();
  RunAll();
  EXPECT_THAT(ioc_->Handshakes(), testing::Contains("remove " + Hex(drive_.handle)));
  EXPECT_EQ(Reported(drive_).size(), 4u);
  // A vacant phy with any other reason is ignored.
  list = ListOf(other_, mpi::PhyReason::kPhyChanged);
  list.entries[0].vacant = true;
  list.entries[0].rate = LinkRate::kUnknown;
  list.entries[0].previous_rate = LinkRate::k12Gbps;
  sink_->ClearRecords();
  ioc_->Deliver(list);
  RunAll();
  EXPECT_TRUE(sink_->batches().empty());
  ExpectSettled();
}

// The page says that the device is there; the event is about a later moment.
TEST_F(Lifetime, S25_DelayDuringAPageReadIsKept) {
  emulator::SyntheticFabricOptions options = SmallFabric();
  options.report_missing_delay_s = 5;
  Create(options);
  RunAll();
  ASSERT_EQ(State(), DeviceState::kAttached);
  hba_->Rescan();
  bool pulled = false;
  ioc_->SetFilter([&](const transport::IocRequest& request, transport::IocReply&) {
    const std::optional<mpi::SasDevicePage0> page = DevicePageIn(request);
    if (pulled || !page.has_value() || page->handle != drive_.handle) return;
    pulled = true;
    EXPECT_TRUE(fabric().Pull(kDrive).ok());
  });
  RunAll();
  ioc_->SetFilter(nullptr);
  ASSERT_TRUE(pulled);
  EXPECT_EQ(State(), DeviceState::kBlocked);
  ASSERT_TRUE(fabric().Insert(kDrive).ok());
  RunAll();
  EXPECT_EQ(State(), DeviceState::kAttached);
  ExpectSettled();
}

TEST_F(Lifetime, S26_OverlappingPageReadsUseSeparateBuffers) {
  discovery::PageReader reader(*ioc_, discovery::FrameSender(*ioc_));
  const auto read = [&reader](DevHandle handle) {
    return reader.SasDevice0(mpi::page_address::Device(handle));
  };
  ASSERT_TRUE(read(drive_.handle).ok());  // the header is known from now on
  bool overlaps = false;
  ioc_->SetFilter([&](const transport::IocRequest&, transport::IocReply&) {
    if (std::exchange(overlaps, true)) return;
    EXPECT_EQ(read(other_.handle)->address, other_.address);
  });
  MustReturn("a page is read with a lock held",
             [&] { EXPECT_EQ(read(drive_.handle)->address, drive_.address); });
  EXPECT_TRUE(overlaps);
}

TEST_F(Lifetime, S26_FastTogglingPhyEndsInItsTrueState) {
  RunAll();
  const uint32_t phy = drive_.parent_phy.value();
  for (int i = 0; i < 8; ++i) {
    ASSERT_TRUE(fabric().SetPhy(kExpander, phy, false).ok());
    ioc_->Before(mpi::Function::kConfig, [&] {  // once more, while a page of it is read
      EXPECT_TRUE(fabric().SetPhy(kExpander, phy, false).ok());
      EXPECT_TRUE(fabric().SetPhy(kExpander, phy, true).ok());
    });
    ASSERT_TRUE(fabric().SetPhy(kExpander, phy, true).ok());
    if (i % 3 == 0) hba_->RunWorkerStep();
  }
  RunAll();
  ExpectSettled();
}

TEST_F(Lifetime, S29_NewOwnerOfHandleSurvivesOldRemoval) {
  RunAll();
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  ASSERT_TRUE(fabric().Insert(kDrive, "ANOTHER").ok());
  const emulator::TruthDevice successor = Truth(kDrive);
  ASSERT_EQ(successor.handle, drive_.handle);
  ASSERT_NE(successor.address, drive_.address);
  RunAll();
  EXPECT_THAT(Reported(drive_), ElementsAre("discovered", "attached", UnitOf(drive_), "gone"));
  EXPECT_THAT(Reported(successor), ElementsAre("discovered", "attached", "unit ANOTHER"));
  ExpectSettled();
}

// A walk finds the successor under the handle before the removal of the old device is handled.
TEST_F(Lifetime, S29_LateRemovalSparesTheSuccessor) {
  RunAll();
  hba_->Rescan();
  ASSERT_TRUE(hba_->RunWorkerStep());  // the walk begins
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  ASSERT_TRUE(fabric().Insert(kDrive, "ANOTHER").ok());
  const emulator::TruthDevice successor = Truth(kDrive);
  ASSERT_EQ(successor.handle, drive_.handle);
  while (devices().Find(KeyOf(drive_)) != nullptr) ASSERT_TRUE(hba_->RunWorkerStep());
  ASSERT_NE(devices().Find(KeyOf(successor)), nullptr);
  EXPECT_EQ(devices().FindByHandle(successor.handle), devices().Find(KeyOf(successor)));
  RunAll();
  EXPECT_THAT(Reported(drive_), ElementsAre("discovered", "attached", UnitOf(drive_), "gone"));
  EXPECT_THAT(Reported(successor), ElementsAre("discovered", "attached", "unit ANOTHER"));
  ExpectSettled();
}

// Both attaches are running, and the old one ends first.
TEST_F(Lifetime, S29_AttachEndsOnlyForItsOwnDevice) {
  Attach before = BeginAttachOfDrive();
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  ASSERT_TRUE(fabric().Insert(kDrive, "ANOTHER").ok());
  const emulator::TruthDevice successor = Truth(kDrive);
  ASSERT_EQ(successor.handle, drive_.handle);
  RunWorker();
  Attach after = BeginAttachOfDrive();
  hba_->attacher().RunCommands(before);
  hba_->attacher().Complete(std::move(before));
  EXPECT_EQ(devices().View(*after.ticket.device).state, device::LifeState::kAttaching);
  hba_->attacher().RunCommands(after);
  hba_->attacher().Complete(std::move(after));
  RunAll();
  EXPECT_THAT(Reported(drive_), ElementsAre("discovered", "gone"));
  EXPECT_THAT(Reported(successor), ElementsAre("discovered", "attached", "unit ANOTHER"));
  ExpectSettled();
}

// Another drive has the handle and answers; the worker has not handled the removal yet.
TEST_F(Lifetime, S29_AttachUnderGivenBackHandleIsVoid) {
  Attach attach = BeginAttachOfDrive();
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  ASSERT_TRUE(fabric().Pull(kOther).ok());
  ASSERT_TRUE(fabric().Insert(kOther).ok());
  hba_->attacher().RunCommands(attach);
  ASSERT_TRUE(attach.units.ok()) << "no drive has the handle";
  hba_->attacher().Complete(std::move(attach));
  while (hba_->RunAttachStep()) {
  }
  RunAll();
  EXPECT_THAT(Reported(drive_), ElementsAre("discovered", "gone"));
}

// The handle belongs to three devices in turn before the worker handles the first removal.
TEST_F(Lifetime, S29_ReusedHandleIsGivenBackAgain) {
  RunAll();
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  ASSERT_TRUE(fabric().Pull(kOther).ok());
  ASSERT_TRUE(fabric().Insert(kOther).ok());
  ASSERT_TRUE(fabric().Pull(kOther).ok());
  EXPECT_EQ(hba_->handshakes(), 3u);
}

// Pulled at each of the worker's requests for it in turn; an event is late, too.
TEST_F(Lifetime, S33_ExpanderPulledDuringAddLeavesNoSubtree) {
  emulator::SyntheticFabricOptions options;
  options.expanders_per_host = 9;  // the last one is behind another
  options.devices_per_expander = 2;
  bool pulled = true;
  for (int request = 0; pulled; ++request) {
    SCOPED_TRACE(request);
    Create(options);
    RunAll();
    const std::vector<emulator::TruthExpander> expanders = emulator_->Truth(0).expanders;
    const SasAddress parent = expanders.back().parent;
    std::string id;
    for (const emulator::TruthExpander& expander : expanders) {
      if (expander.address == parent) id = expander.id;
    }
    ASSERT_NE(id, "") << "no expander is behind another";
    ASSERT_TRUE(fabric().SetExpander(id, false).ok());
    RunAll();
    ASSERT_TRUE(
        fabric().InjectFault(host_id(), emulator::FaultKind::kEventsReordered, request % 2).ok());
    ASSERT_TRUE(fabric().SetExpander(id, true).ok());
    int left = request;
    pulled = false;
    ioc_->SetFilter([&](const transport::IocRequest&, transport::IocReply&) {
      if (left-- != 0) return;
      pulled = true;
      EXPECT_TRUE(fabric().SetExpander(id, false).ok());
    });
    RunAll();
    ioc_->SetFilter(nullptr);
    if (!pulled) break;
    clock_.Advance(absl::Seconds(1));  // pages that could not be read are read again
    RunAll();
    for (const auto& [key, device] : sink_->devices()) EXPECT_NE(device.parent.address, parent);
    for (const auto& [key, expander] : sink_->expanders()) {
      EXPECT_NE(expander.parent.address, parent);
      EXPECT_NE(key.address, parent);
    }
    EXPECT_EQ(hba_->nodes().expander_count(), sink_->expanders().size());
    EXPECT_EQ(devices().size(), sink_->devices().size());
    ExpectSettled();
  }
}

// The event names only the expander; those of its subtree come later.
TEST_F(Lifetime, S33_ExpanderRemovalTakesItsSubtree) {
  emulator::SyntheticFabricOptions options;
  options.expanders_per_host = 9;  // the last one is behind another
  options.devices_per_expander = 2;
  Create(options);
  RunAll();
  const std::vector<emulator::TruthExpander> expanders = emulator_->Truth(0).expanders;
  emulator::TruthExpander parent;
  for (const emulator::TruthExpander& expander : expanders) {
    if (expander.address == expanders.back().parent) parent = expander;
  }
  ASSERT_NE(parent.id, "") << "no expander is behind another";
  const NodeKey key = KeyOfExpander(parent.id), beneath = KeyOfExpander(expanders.back().id);
  const size_t count = devices().size();
  transport().Hold();
  ASSERT_TRUE(fabric().SetExpander(parent.id, false).ok());
  mpi::TopologyChangeList list;
  list.expander_handle = parent.handle;
  list.status = mpi::ExpanderStatus::kNotResponding;
  ioc_->Deliver(list);
  RunWorker();
  EXPECT_EQ(devices().size(), count - 6);
  EXPECT_TRUE(devices().ChildrenOf(key).empty());
  EXPECT_TRUE(devices().ChildrenOf(beneath).empty());
  EXPECT_EQ(hba_->nodes().Find(key), nullptr);
  EXPECT_EQ(hba_->nodes().Find(beneath), nullptr);
  EXPECT_THAT(sink_->Of(beneath), ElementsAre("reported", "gone"));
  transport().ReleaseAll();
  RunAll();
  EXPECT_THAT(sink_->Of(key), ElementsAre("reported", "gone"));
  ExpectSettled();
}

// Queued events about a gone expander are not handled.
TEST_F(Lifetime, S33_AnnouncementsOfAGoneExpanderAreIgnored) {
  RunAll();
  ASSERT_TRUE(fabric().SetExpander(kExpander, false).ok());
  RunAll();
  const auto requests = [this] {
    return ioc_->CountOf(mpi::Function::kConfig) + ioc_->CountOf(mpi::Function::kSmpPassthrough);
  };
  sink_->ClearRecords();
  ioc_->ClearRecords();
  ASSERT_TRUE(fabric().SetExpander(kExpander, true).ok());
  ASSERT_TRUE(fabric().SetExpander(kExpander, false).ok());
  RunAll();
  EXPECT_LE(requests(), 3u) << "only for the host's phy and the enclosure";
  EXPECT_TRUE(sink_->expanders().empty());
  EXPECT_THAT(Reported(drive_), testing::IsEmpty());
  ExpectSettled();
}

TEST_F(Lifetime, S34_EventsShorterThanTheirCountAreRejected) {
  RunAll();
  mpi::TopologyChangeList list = ListOf(drive_, mpi::PhyReason::kTargetNotResponding);
  for (int i = 0; i < 4; ++i) list.entries.push_back(list.entries[0]);
  const Bytes whole = mpi::EncodeEvent(list);
  sink_->ClearRecords();
  ioc_->ClearRecords();
  uint64_t rejected = hba_->arrival().rejected();
  for (size_t size = 0; size < whole.size(); ++size) {
    const std::vector<uint8_t> cut(whole.begin(), whole.begin() + size);  // to the byte
    ioc_->Deliver(mpi::EventCode::kSasTopologyChangeList, cut);
    EXPECT_EQ(hba_->arrival().rejected(), ++rejected) << size << " bytes";
  }
  EXPECT_THAT(ioc_->Handshakes(), testing::IsEmpty());
  RunAll();
  EXPECT_THAT(Reported(drive_), testing::IsEmpty());
  EXPECT_EQ(BatchesOf(CauseKind::kResync), 1u) << "a walk finds what they would have reported";
  ExpectSettled();
}

TEST_F(Lifetime, S34_WalkRecoversATruncatedEvent) {
  RunAll();
  sink_->ClearRecords();
  ASSERT_TRUE(fabric().InjectFault(host_id(), emulator::FaultKind::kEventTruncated, 1).ok());
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  EXPECT_EQ(hba_->arrival().rejected(), 1u);
  RunAll();
  EXPECT_THAT(Reported(drive_), ElementsAre("gone"));
  EXPECT_EQ(BatchesOf(CauseKind::kResync), 1u);
  ExpectSettled();
}

// The ring of the kernel's driver (driver/transport/mpt3ctl) reports its overruns by the same call.
TEST_F(Lifetime, S35_OverrunIsCountedAndReportedAsResync) {
  constexpr uint32_t kLost = 250;
  RunAll();
  sink_->ClearRecords();
  ioc_->ClearRecords();
  ASSERT_TRUE(fabric().InjectFault(host_id(), emulator::FaultKind::kEventLost, kLost).ok());
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  for (uint32_t i = 1; i < kLost; ++i) {
    ASSERT_TRUE(fabric().InjectLogEntry(host_id(), 0, "lost").ok());
  }
  ASSERT_TRUE(fabric().InjectLogEntry(host_id(), 0, "not lost").ok());
  EXPECT_EQ(hba_->arrival().lost(), kLost);
  RunAll();
  EXPECT_EQ(hba_->rescans(), 1u);
  ASSERT_EQ(BatchesOf(CauseKind::kResync), 1u);
  for (const ObservationBatch& batch : sink_->batches()) {
    if (batch.cause.kind != CauseKind::kResync) continue;
    EXPECT_EQ(batch.cause.lost_events, kLost);
    const auto gone = [](const Observation& o) { return std::holds_alternative<EndDeviceGone>(o); };
    EXPECT_TRUE(std::any_of(batch.observations.begin(), batch.observations.end(), gone));
  }
  EXPECT_THAT(Reported(drive_), ElementsAre("gone"));
  EXPECT_THAT(ioc_->Handshakes(),
              ElementsAre("reset " + Hex(drive_.handle), "remove " + Hex(drive_.handle)))
      << "the walk gives the handle back";
  ExpectSettled();
}

}  // namespace
}  // namespace sasd::lifetime
