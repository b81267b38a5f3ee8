#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "driver/base/clock.h"
#include "driver/hba_driver.h"
#include "driver/transport/mpt3ctl/ctl_transport.h"
#include "driver/transport/mpt3ctl/fake_ctl_nodes.h"
#include "driver/wire/mpi/events.h"
#include "emulator/emulator.h"
#include "emulator/fabric/fabric_builder.h"
#include "gtest/gtest.h"
#include "tests/support/fake_kernel.h"
#include "tests/support/observed_picture.h"

// The whole driver on a control node, beside the kernel's driver that owns the (virtual) HBA: both
// must report the same.
namespace sasd::mpt3ctl {
namespace {

constexpr absl::Duration kTimeout = absl::Seconds(60);
const FakeCtlNodes::Hba kHba{"/dev/mpt3ctl", 0};

class CtlDriverTest : public ::testing::Test {
 protected:
  void Start() {
    emulator::SyntheticFabricOptions options;
    options.expanders_per_host = 2;
    options.devices_per_expander = 4;
    auto emulator =
        emulator::Emulator::Create(emulator::SyntheticFabric(options), {}, SystemClock());
    ASSERT_TRUE(emulator.ok()) << emulator.status();
    emulator_ = *std::move(emulator);
    auto kernel = FakeKernel::Start(emulator_->transport(0), nodes_, kHba, SystemClock(), kernels_);
    ASSERT_TRUE(kernel.ok()) << kernel.status();
    kernel_ = *std::move(kernel);
    ASSERT_TRUE(kernel_->WaitIdle(kTimeout).ok());

    poller_ = std::make_unique<CtlPoller>(nodes_);
    CtlHost host;
    host.node = kHba.first;
    host.ioc_number = kHba.second;
    host.driver_name = "mpt3sas";
    CtlOptions ctl;
    ctl.reset_count = [this] { return kernel_->reset_count(); };
    auto transport =
        CtlTransport::Create(std::move(host), nodes_, *poller_, SystemClock(), std::move(ctl));
    ASSERT_TRUE(transport.ok()) << transport.status();
    transport_ = *std::move(transport);
    auto driver = HbaDriver::Start(*transport_, SystemClock(), ours_);
    ASSERT_TRUE(driver.ok()) << driver.status();
    driver_ = *std::move(driver);
    ASSERT_TRUE(driver_->WaitIdle(kTimeout).ok());
  }

  // The kernel's driver is idle; ours reaches the same picture.
  void ExpectTheSame() {
    ASSERT_TRUE(kernel_->WaitIdle(kTimeout).ok());
    EXPECT_TRUE(ours_.AwaitTopology(TopologyOf(kernels_.picture())));
    EXPECT_EQ(nodes_.overruns(), 0u);
  }

  std::string HostId() const { return emulator_->HostId(0); }

  FakeCtlNodes nodes_;
  ObservedPicture kernels_, ours_;
  std::unique_ptr<emulator::Emulator> emulator_;
  std::unique_ptr<FakeKernel> kernel_;
  std::unique_ptr<CtlPoller> poller_;
  std::unique_ptr<CtlTransport> transport_;
  std::unique_ptr<HbaDriver> driver_;
};

TEST_F(CtlDriverTest, SeesTheKernelDriversTopology) {
  Start();
  EXPECT_EQ(driver_->host(), kernel_->host());
  EXPECT_EQ(ours_.picture().devices.size(), 10u);
  EXPECT_EQ(ours_.picture().expanders.size(), 2u);
  ExpectTheSame();
  EXPECT_EQ(driver_->stats().scsi_requests, 0u);  // the kernel's driver attaches
  EXPECT_EQ(driver_->stats().handshakes, 0u);     // and removes
}

TEST_F(CtlDriverTest, FollowsDrivesAndExpanders) {
  Start();
  ASSERT_TRUE(emulator_->fabric().Pull("h0-x000-d002").ok());
  ExpectTheSame();
  EXPECT_EQ(ours_.picture().devices.size(), 9u);
  ASSERT_TRUE(emulator_->fabric().Insert("h0-x000-d002").ok());
  ExpectTheSame();
  const std::string expander = emulator_->Truth(0).expanders.back().id;
  ASSERT_TRUE(emulator_->fabric().SetExpander(expander, false).ok());
  ExpectTheSame();
  EXPECT_EQ(ours_.picture().expanders.size(), 1u);
  ASSERT_TRUE(emulator_->fabric().SetExpander(expander, true).ok());
  ExpectTheSame();
  EXPECT_EQ(ours_.picture().devices.size(), 10u);
}

TEST_F(CtlDriverTest, FollowsAReset) {
  Start();
  ASSERT_TRUE(emulator_->fabric().ResetHost(HostId()).ok());
  ASSERT_TRUE(kernel_->WaitIdle(kTimeout).ok());
  nodes_.Tick();
  EXPECT_TRUE(ours_.AwaitReset(1));
  ExpectTheSame();  // with the new handles
}

TEST_F(CtlDriverTest, WalksAfterAnotherProgramTookTheMask) {
  Start();
  const int other = nodes_.Open(kHba.first.c_str());
  Bytes nothing = EncodeEventEnable(kHba.second, {});
  ASSERT_EQ(nodes_.Ioctl(other, ioctl_number::kEventEnable, absl::MakeSpan(nothing)), 0);
  ASSERT_TRUE(emulator_->fabric().Pull("h0-x000-d002").ok());
  nodes_.Tick();
  ExpectTheSame();
  EXPECT_TRUE(ours_.AwaitResync());
  nodes_.Close(other);
}

TEST_F(CtlDriverTest, WalksAfterTheLogOverran) {
  Start();
  nodes_.HoldPolls(true);
  ASSERT_TRUE(emulator_->fabric().Pull("h0-x000-d002").ok());
  for (int i = 0; i < 250; ++i) {
    ASSERT_TRUE(emulator_->fabric().InjectLogEntry(HostId(), 0, "noise").ok());
  }
  nodes_.HoldPolls(false);
  ExpectTheSame();
  EXPECT_TRUE(ours_.AwaitResync());
}

// An event is cut to 192 bytes: a list of more than 45 phys.
TEST_F(CtlDriverTest, WalksAfterACutList) {
  Start();
  Bytes list(0x0C + 60 * 4);
  list[0x04] = list[0x08] = 60;  // NumPhys, NumEntries
  list[0x0A] = 3;                // ExpStatus: responding
  nodes_.RaiseEvent(kHba, 0x1C, list);
  EXPECT_TRUE(ours_.AwaitResync());
  EXPECT_EQ(driver_->stats().events_rejected, 1u);
  ExpectTheSame();
}

TEST_F(CtlDriverTest, ReportsEventsWithoutState) {
  Start();
  ASSERT_TRUE(emulator_->fabric().InjectTemperature(HostId(), 0, 95).ok());
  EXPECT_TRUE(kernels_.AwaitNotice());
  EXPECT_TRUE(ours_.AwaitNotice());
  EXPECT_EQ(ours_.notices(), kernels_.notices());
}

// The kernel's driver logs a predicted failure that it finds in sense data
// (_scsih_smart_predicted_fault).
TEST_F(CtlDriverTest, ReportsEventsTheKernelDriverLogged) {
  Start();
  mpi::DeviceStatusChange change;
  change.reason = mpi::DeviceStatusReason::kSmartData;
  change.asc = 0x5D;
  const EndDeviceFacts device = ours_.picture().devices.begin()->second;
  change.handle = device.handle;
  change.address = device.key.address;
  nodes_.RaiseEvent(kHba, 0x0F, mpi::EncodeEvent(change));
  EXPECT_TRUE(ours_.AwaitNotice());
}

TEST_F(CtlDriverTest, StopsWhenTheHbaIsGone) {
  Start();
  nodes_.Remove(kHba);
  nodes_.Tick();
  driver_->Stop();
  EXPECT_EQ(driver_->live_objects(), 0u);
}

}  // namespace
}  // namespace sasd::mpt3ctl
