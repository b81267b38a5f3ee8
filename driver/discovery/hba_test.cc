#include "driver/discovery/hba.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "driver/base/fake_clock.h"
#include "driver/emulator/emulator.h"
#include "driver/emulator/fabric_builder.h"
#include "gtest/gtest.h"

// The driver's steps in orders chosen here, on the virtual HBA: one thread, and time stands still.
namespace sasd::discovery {
namespace {

using States = std::vector<std::optional<DeviceState>>;

constexpr char kDrive[] = "h0-x000-d001";

// The states that each device went through, as they were told; nullopt: gone.
class Listener : public ObservationSink {
 public:
  void Observe(ObservationBatch batch) override {
    for (const Observation& observation : batch.observations) {
      if (const auto* device = std::get_if<EndDeviceFacts>(&observation)) {
        states_[device->key.address].push_back(device->state);
      } else if (const auto* gone = std::get_if<EndDeviceGone>(&observation)) {
        states_[gone->key.address].push_back(std::nullopt);
      }
    }
  }

  States StatesOf(SasAddress address) const {
    const auto it = states_.find(address);
    return it == states_.end() ? States() : it->second;
  }

 private:
  std::map<SasAddress, States> states_;
};

class HbaTest : public ::testing::Test {
 protected:
  void SetUp() override { Create(0); }

  void Create(uint16_t report_missing_delay_s) {
    hba_.reset();
    emulator::SyntheticFabricOptions options;
    options.report_missing_delay_s = report_missing_delay_s;
    options.expanders_per_host = 1;
    options.devices_per_expander = 2;
    auto emulator = emulator::Emulator::Create(emulator::SyntheticFabric(options), {}, clock_);
    ASSERT_TRUE(emulator.ok()) << emulator.status();
    emulator_ = *std::move(emulator);
    for (const emulator::TruthDevice& device : emulator_->Truth(0).devices) {
      if (device.id == kDrive) drive_ = device.address;
    }
    hba_ = std::make_unique<Hba>(emulator_->transport(0), clock_, listener_, [] {});
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

  // Takes the drive for its attach, and lets it be the only one under way.
  Attach BeginAttachOfDrive() {
    while (true) {
      std::optional<Attach> attach = hba_->attacher().Begin();
      EXPECT_TRUE(attach.has_value()) << kDrive << " does not wait for its attach";
      if (!attach.has_value()) return {};
      if (attach->ticket.device->key().address == drive_) return *std::move(attach);
      hba_->attacher().RunCommands(*attach);
      hba_->attacher().Complete(*std::move(attach));
    }
  }

  std::optional<DeviceState> State() const {
    const States states = listener_.StatesOf(drive_);
    return states.empty() ? std::nullopt : states.back();
  }
  emulator::VirtualFabric& fabric() { return emulator_->fabric(); }

  FakeClock clock_;
  Listener listener_;
  std::unique_ptr<emulator::Emulator> emulator_;
  std::unique_ptr<Hba> hba_;
  SasAddress drive_;
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
  Create(5);
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
  for (const std::optional<DeviceState>& state : listener_.StatesOf(drive_)) {
    EXPECT_NE(state, DeviceState::kFailed);
  }
  EXPECT_EQ(State(), std::nullopt);
}

TEST_F(HbaTest, AWalkAfterAGapTriesFailedDevicesAnew) {
  emulator_->transport(0).SetRequestHook(
      mpi::Function::kScsiIo, [](ByteSpan) { return mpi::IocStatus::kScsiProtocolError; });
  RunAll();
  ASSERT_EQ(State(), DeviceState::kFailed);
  emulator_->transport(0).SetRequestHook(mpi::Function::kScsiIo, {});
  const std::string host = emulator_->Truth(0).id;
  ASSERT_TRUE(fabric().InjectFault(host, emulator::FaultKind::kEventLost, 1).ok());
  ASSERT_TRUE(fabric().InjectLogEntry(host, 0, "this one is lost").ok());
  ASSERT_TRUE(fabric().InjectLogEntry(host, 0, "and this one says so").ok());
  RunAll();
  EXPECT_EQ(State(), DeviceState::kAttached);
}

}  // namespace
}  // namespace sasd::discovery
