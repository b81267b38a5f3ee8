#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "driver/base/clock.h"
#include "driver/hba_driver.h"
#include "driver/transport/mpt3ctl/ctl_transport.h"
#include "driver/transport/mpt3ctl/fake_ctl_nodes.h"
#include "driver/wire/mpi/events.h"
#include "emulator/emulator.h"
#include "emulator/fabric/fabric_builder.h"
#include "gtest/gtest.h"
#include "tests/support/fake_kernel.h"

// The whole driver on a control node, beside the kernel's driver that owns the (virtual) HBA: both
// must report the same.
namespace sasd::mpt3ctl {
namespace {

constexpr absl::Duration kTimeout = absl::Seconds(60);
const FakeCtlNodes::Hba kHba{"/dev/mpt3ctl", 0};

// The objects, by key, without the facts that only one of the drivers can know: units and states
// from attaching, and the name of the HBA.
struct Picture {
  std::map<NodeKey, EndDeviceFacts> devices;
  std::map<NodeKey, ExpanderFacts> expanders;
  std::map<PhyKey, PhyFacts> phys;
  std::map<EnclosureKey, EnclosureFacts> enclosures;

  friend bool operator==(const Picture& a, const Picture& b) {
    return a.devices == b.devices && a.expanders == b.expanders && a.phys == b.phys &&
           a.enclosures == b.enclosures;
  }
};

// The sum of the batches. Thread-safe.
class Listener : public ObservationSink {
 public:
  void Observe(ObservationBatch batch) override {
    absl::MutexLock lock(&mu_);
    for (Observation& observation : batch.observations) Add(observation);
    lost_ |= batch.cause.kind == CauseKind::kResync;
  }

  Picture picture() const {
    absl::MutexLock lock(&mu_);
    return picture_;
  }
  DiscoveryFacts discovery() const {
    absl::MutexLock lock(&mu_);
    return discovery_;
  }
  bool lost() const {
    absl::MutexLock lock(&mu_);
    return lost_;
  }
  std::vector<std::string> notices() const {
    absl::MutexLock lock(&mu_);
    return notices_;
  }

  // Waits, in real time, until it looks like this.
  bool Await(const Picture& wanted) {
    absl::MutexLock lock(&mu_);
    const auto equal = [this, &wanted]()
                           ABSL_SHARED_LOCKS_REQUIRED(mu_) { return picture_ == wanted; };
    return mu_.AwaitWithTimeout(absl::Condition(&equal), kTimeout);
  }
  bool AwaitNotice() {
    absl::MutexLock lock(&mu_);
    const auto any = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return !notices_.empty(); };
    return mu_.AwaitWithTimeout(absl::Condition(&any), kTimeout);
  }
  bool AwaitReset(uint32_t count) {
    absl::MutexLock lock(&mu_);
    const auto over = [this, count]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
      return discovery_.reset_count == count && discovery_.state == DiscoveryState::kSettled;
    };
    return mu_.AwaitWithTimeout(absl::Condition(&over), kTimeout);
  }
  bool AwaitLoss() {
    absl::MutexLock lock(&mu_);
    return mu_.AwaitWithTimeout(absl::Condition(&lost_), kTimeout);
  }

 private:
  void Add(Observation& observation) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (auto* device = std::get_if<EndDeviceFacts>(&observation)) {
      device->state = DeviceState::kDiscovered;
      picture_.devices[device->key] = std::move(*device);
    } else if (const auto* gone = std::get_if<EndDeviceGone>(&observation)) {
      picture_.devices.erase(gone->key);
    } else if (auto* expander = std::get_if<ExpanderFacts>(&observation)) {
      picture_.expanders[expander->key] = std::move(*expander);
    } else if (const auto* lost = std::get_if<ExpanderGone>(&observation)) {
      picture_.expanders.erase(lost->key);
      for (auto it = picture_.phys.begin(); it != picture_.phys.end();) {
        it = it->first.owner == lost->key ? picture_.phys.erase(it) : std::next(it);
      }
    } else if (auto* phy = std::get_if<PhyFacts>(&observation)) {
      picture_.phys[phy->key] = std::move(*phy);
    } else if (auto* enclosure = std::get_if<EnclosureFacts>(&observation)) {
      picture_.enclosures[enclosure->key] = std::move(*enclosure);
    } else if (const auto* off = std::get_if<EnclosureGone>(&observation)) {
      picture_.enclosures.erase(off->key);
    } else if (const auto* discovery = std::get_if<DiscoveryFacts>(&observation)) {
      discovery_ = *discovery;
    } else if (const auto* notice = std::get_if<Notice>(&observation)) {
      notices_.push_back(notice->text);
    }
  }

  mutable absl::Mutex mu_;
  Picture picture_ ABSL_GUARDED_BY(mu_);
  DiscoveryFacts discovery_ ABSL_GUARDED_BY(mu_);
  bool lost_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<std::string> notices_ ABSL_GUARDED_BY(mu_);
};

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
    EXPECT_TRUE(ours_.Await(kernels_.picture()));
    EXPECT_EQ(nodes_.overruns(), 0u);
  }

  std::string HostId() const { return emulator_->HostId(0); }

  FakeCtlNodes nodes_;
  Listener kernels_, ours_;
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
  EXPECT_TRUE(ours_.AwaitLoss());
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
  EXPECT_TRUE(ours_.AwaitLoss());
}

// An event is cut to 192 bytes: a list of more than 45 phys.
TEST_F(CtlDriverTest, WalksAfterACutList) {
  Start();
  Bytes list(0x0C + 60 * 4);
  list[0x04] = list[0x08] = 60;  // NumPhys, NumEntries
  list[0x0A] = 3;                // ExpStatus: responding
  nodes_.RaiseEvent(kHba, 0x1C, list);
  EXPECT_TRUE(ours_.AwaitLoss());
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
