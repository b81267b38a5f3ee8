#include "driver/discovery/hba.h"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "driver/base/fake_clock.h"
#include "driver/emulator/emulator.h"
#include "driver/emulator/fabric_builder.h"
#include "driver/mpi/messages.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

// The driver's steps in orders chosen here, on the virtual HBA: one thread, and time stands still.
namespace sasd::discovery {
namespace {

using States = std::vector<std::optional<DeviceState>>;

// The two drives; the first has the lower handle, and the firmware gives out the lowest free one.
constexpr char kDrive[] = "h0-x000-d000", kOther[] = "h0-x000-d001";

// The states that each device went through, as they were told; nullopt: gone. And who it said it
// is.
class Listener : public ObservationSink {
 public:
  void Observe(ObservationBatch batch) override {
    for (const Observation& observation : batch.observations) {
      if (const auto* device = std::get_if<EndDeviceFacts>(&observation)) {
        states_[device->key.address].push_back(device->state);
      } else if (const auto* gone = std::get_if<EndDeviceGone>(&observation)) {
        states_[gone->key.address].push_back(std::nullopt);
        with_unit_.erase(gone->key.address);
      } else if (const auto* unit = std::get_if<LogicalUnitFacts>(&observation)) {
        serials_[unit->device.address].insert(unit->serial);
        with_unit_.insert(unit->device.address);
      }
    }
  }

  States StatesOf(SasAddress address) const {
    const auto it = states_.find(address);
    return it == states_.end() ? States() : it->second;
  }
  const std::set<std::string>& SerialsOf(SasAddress address) { return serials_[address]; }
  bool HasUnit(SasAddress address) const { return with_unit_.count(address) != 0; }

 private:
  std::map<SasAddress, States> states_;
  std::map<SasAddress, std::set<std::string>> serials_;
  std::set<SasAddress> with_unit_;
};

class HbaTest : public ::testing::Test {
 protected:
  void SetUp() override { Create({}); }

  void Create(emulator::SyntheticFabricOptions options) {
    hba_.reset();
    options.expanders_per_host = 1;
    options.devices_per_expander = 2;
    auto emulator = emulator::Emulator::Create(emulator::SyntheticFabric(options), {}, clock_);
    ASSERT_TRUE(emulator.ok()) << emulator.status();
    emulator_ = *std::move(emulator);
    for (const emulator::TruthDevice& device : emulator_->Truth(0).devices) {
      if (device.id == kDrive) drive_ = device;
    }
    hba_ = std::make_unique<Hba>(emulator_->transport(0), clock_, listener_, [](Hba::Caller) {});
    ASSERT_TRUE(hba_->Start().ok());
    RunWorker();
  }

  void RunWorker() {
    while (hba_->RunWorkerStep()) {
    }
  }
  void RunAll() {
    do RunWorker();
    while (hba_->RunAttachStep());
  }

  // Two events, the first of which is lost: from here on the driver knows that it lost one.
  void LoseAnEvent() {
    const std::string host = emulator_->Truth(0).id;
    ASSERT_TRUE(fabric().InjectFault(host, emulator::FaultKind::kEventLost, 1).ok());
    ASSERT_TRUE(fabric().InjectLogEntry(host, 0, "this one is lost").ok());
    ASSERT_TRUE(fabric().InjectLogEntry(host, 0, "and this one says so").ok());
  }

  // Until a walk that is due has read all devices; it reads the phys after them.
  void RunWalkPastDevices() {
    bool reads_phys = false;
    emulator_->transport(0).SetRequestHook(
        mpi::Function::kConfig, [&reads_phys](ByteSpan frame) -> std::optional<mpi::IocStatus> {
          const mpi::PageHeader page = mpi::DecodeConfigRequest(frame)->page;
          reads_phys |= page.ext_type == mpi::ExtPageType::kSasExpander && page.number == 1;
          return std::nullopt;
        });
    while (!reads_phys) ASSERT_TRUE(hba_->RunWorkerStep());
    emulator_->transport(0).SetRequestHook(mpi::Function::kConfig, {});
  }

  // Takes the drive for its attach, and lets it be the only one under way.
  Attach BeginAttachOfDrive() {
    while (true) {
      std::optional<Attach> attach = hba_->attacher().Begin();
      EXPECT_TRUE(attach.has_value()) << kDrive << " does not wait for its attach";
      if (!attach.has_value()) return {};
      if (attach->ticket.device->key().address == drive_.address) return *std::move(attach);
      hba_->attacher().RunCommands(*attach);
      hba_->attacher().Complete(*std::move(attach));
    }
  }

  std::optional<DeviceState> State() const {
    const States states = listener_.StatesOf(drive_.address);
    return states.empty() ? std::nullopt : states.back();
  }
  emulator::VirtualFabric& fabric() { return emulator_->fabric(); }

  FakeClock clock_;
  Listener listener_;
  std::unique_ptr<emulator::Emulator> emulator_;
  std::unique_ptr<Hba> hba_;
  emulator::TruthDevice drive_;  // as it was at first
};

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
  emulator::SyntheticFabricOptions options;
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
  for (const std::optional<DeviceState>& state : listener_.StatesOf(drive_.address)) {
    EXPECT_NE(state, DeviceState::kFailed);
  }
  EXPECT_EQ(State(), std::nullopt);
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
  EXPECT_THAT(listener_.SerialsOf(drive_.address), testing::ElementsAre(drive_.serial));
}

// Likewise where the worker has not come to its removal yet when the attach ends.
TEST_F(HbaTest, AnAttachUnderAHandleThatWasGivenBackIsVoid) {
  Attach attach = BeginAttachOfDrive();
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  ASSERT_TRUE(fabric().Pull(kOther).ok());
  ASSERT_TRUE(fabric().Insert(kOther).ok());
  hba_->attacher().RunCommands(attach);
  ASSERT_TRUE(attach.units.ok()) << "nothing is under the drive's handle";
  hba_->attacher().Complete(std::move(attach));
  while (hba_->RunAttachStep()) {
  }
  RunAll();
  EXPECT_EQ(State(), std::nullopt);
  EXPECT_THAT(listener_.SerialsOf(drive_.address), testing::IsEmpty());
}

// The handle stands for three devices in turn before the worker has seen the first of them go.
TEST_F(HbaTest, AHandleThatIsReusedIsGivenBackAgain) {
  RunAll();
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  ASSERT_TRUE(fabric().Pull(kOther).ok());
  ASSERT_TRUE(fabric().Insert(kOther).ok());
  ASSERT_TRUE(fabric().Pull(kOther).ok());
  EXPECT_EQ(hba_->handshakes(), 3u);
}

// A storm found it: the walk told at its end of the drive that had gone, after the attacher had
// told who the drive is that came in its place.
TEST_F(HbaTest, ADeviceIsAttachedAfterItWasToldOf) {
  RunAll();
  hba_->Rescan();
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  ASSERT_TRUE(fabric().Insert(kDrive).ok());
  RunWalkPastDevices();
  while (hba_->RunAttachStep()) {
  }
  RunAll();
  EXPECT_EQ(State(), DeviceState::kAttached);
  EXPECT_TRUE(listener_.HasUnit(drive_.address));
}

// It goes on to its end, and tells what it has.
TEST_F(HbaTest, WhatAWalkFoundGoneIsToldThoughAResetEndsTheWalk) {
  RunAll();
  const std::string host = emulator_->Truth(0).id;
  ASSERT_TRUE(fabric().InjectFault(host, emulator::FaultKind::kEventLost, 3).ok());
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  ASSERT_TRUE(fabric().InjectLogEntry(host, 0, "events were lost before this one").ok());
  const size_t before = hba_->live_objects();
  while (hba_->live_objects() == before) ASSERT_TRUE(hba_->RunWorkerStep());
  ASSERT_NE(State(), std::nullopt) << "the walk is over";
  ASSERT_TRUE(fabric().ResetHost(host).ok());
  RunAll();
  EXPECT_EQ(State(), std::nullopt);
}

// A SATA drive's address is its place's. Another drive in it, while a walk had read the page of the
// one before already, has the same handle and address.
TEST_F(HbaTest, AnotherDriveOfTheSameAddressAndHandleIsNotTheOneBefore) {
  emulator::SyntheticFabricOptions options;
  options.sata_every = 1;
  Create(options);
  RunAll();
  ASSERT_THAT(listener_.SerialsOf(drive_.address), testing::ElementsAre(drive_.serial));
  LoseAnEvent();
  RunWalkPastDevices();
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  ASSERT_TRUE(fabric().Insert(kDrive, "ANOTHER").ok());
  RunAll();
  EXPECT_EQ(State(), DeviceState::kAttached);
  EXPECT_THAT(listener_.SerialsOf(drive_.address), testing::Contains("ANOTHER"));
}

TEST_F(HbaTest, AWalkAfterAGapTriesFailedDevicesAnew) {
  emulator_->transport(0).SetRequestHook(
      mpi::Function::kScsiIo, [](ByteSpan) { return mpi::IocStatus::kScsiProtocolError; });
  RunAll();
  ASSERT_EQ(State(), DeviceState::kFailed);
  emulator_->transport(0).SetRequestHook(mpi::Function::kScsiIo, {});
  LoseAnEvent();
  RunAll();
  EXPECT_EQ(State(), DeviceState::kAttached);
}

}  // namespace
}  // namespace sasd::discovery
