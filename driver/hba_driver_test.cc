#include "driver/hba_driver.h"

#include <cstdio>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "driver/base/clock.h"
#include "emulator/emulator.h"
#include "emulator/fabric/fabric_builder.h"
#include "gtest/gtest.h"

// The whole driver with its threads, on the virtual HBA. //tests/storm shows, through the registry,
// that its reports equal the fabric under every kind of fault.
namespace sasd {
namespace {

constexpr absl::Duration kTimeout = absl::Seconds(60);

// The sum of the batches. Thread-safe.
class Listener : public ObservationSink {
 public:
  void Observe(ObservationBatch batch) override {
    absl::MutexLock lock(&mu_);
    for (const Observation& observation : batch.observations) {
      if (const auto* device = std::get_if<EndDeviceFacts>(&observation)) {
        devices_[device->key] = *device;
      } else if (const auto* gone = std::get_if<EndDeviceGone>(&observation)) {
        devices_.erase(gone->key);
      } else if (const auto* expander = std::get_if<ExpanderFacts>(&observation)) {
        expanders_.insert(expander->key);
      } else if (const auto* lost = std::get_if<ExpanderGone>(&observation)) {
        expanders_.erase(lost->key);
      } else if (const auto* discovery = std::get_if<DiscoveryFacts>(&observation)) {
        discovery_ = *discovery;
      }
    }
    batch.observations.clear();
    causes_.push_back(std::move(batch));
  }

  std::map<NodeKey, EndDeviceFacts> devices() const {
    absl::MutexLock lock(&mu_);
    return devices_;
  }
  size_t expander_count() const {
    absl::MutexLock lock(&mu_);
    return expanders_.size();
  }
  DiscoveryFacts discovery() const {
    absl::MutexLock lock(&mu_);
    return discovery_;
  }
  // The batches without their observations.
  std::vector<ObservationBatch> causes() const {
    absl::MutexLock lock(&mu_);
    return causes_;
  }

 private:
  mutable absl::Mutex mu_;
  std::map<NodeKey, EndDeviceFacts> devices_ ABSL_GUARDED_BY(mu_);
  std::set<NodeKey> expanders_ ABSL_GUARDED_BY(mu_);
  DiscoveryFacts discovery_ ABSL_GUARDED_BY(mu_);
  std::vector<ObservationBatch> causes_ ABSL_GUARDED_BY(mu_);
};

class DriverTest : public ::testing::Test {
 protected:
  void Start(int expanders, int devices) {
    emulator::SyntheticFabricOptions options;
    options.expanders_per_host = expanders;
    options.devices_per_expander = devices;
    auto emulator =
        emulator::Emulator::Create(emulator::SyntheticFabric(options), {}, SystemClock());
    ASSERT_TRUE(emulator.ok()) << emulator.status();
    emulator_ = *std::move(emulator);
    auto driver = HbaDriver::Start(emulator_->transport(0), SystemClock(), listener_);
    ASSERT_TRUE(driver.ok()) << driver.status();
    driver_ = *std::move(driver);
    AwaitIdle();
  }

  void AwaitIdle() {
    const absl::Status idle = driver_->WaitIdle(kTimeout);
    ASSERT_TRUE(idle.ok()) << idle;
  }

  // Drives only, without the SES devices.
  size_t CountIn(DeviceState state) const {
    size_t count = 0;
    for (const auto& [key, device] : listener_.devices()) count += device.state == state;
    return count;
  }

  Listener listener_;
  std::unique_ptr<emulator::Emulator> emulator_;
  std::unique_ptr<HbaDriver> driver_;
};

TEST_F(DriverTest, AttachesEveryDevice) {
  Start(3, 4);
  EXPECT_EQ(listener_.expander_count(), 3u);
  EXPECT_EQ(listener_.devices().size(), 3u * 5);  // with the SES devices
  EXPECT_EQ(CountIn(DeviceState::kAttached), 3u * 5);
  EXPECT_EQ(listener_.discovery().state, DiscoveryState::kSettled);
  EXPECT_EQ(driver_->host(), HostKey(emulator_->Truth(0).address));
}

TEST_F(DriverTest, StopFreesEveryObject) {
  Start(3, 4);
  EXPECT_GT(driver_->live_objects(), 15u);
  driver_->Stop();
  EXPECT_EQ(driver_->live_objects(), 0u);
  driver_->Stop();  // idempotent
}

TEST_F(DriverTest, PulledDriveIsRemovedByAHandshake) {
  Start(1, 4);
  ASSERT_TRUE(emulator_->fabric().Pull("h0-x000-d002").ok());
  AwaitIdle();
  EXPECT_EQ(listener_.devices().size(), 4u);
  EXPECT_EQ(driver_->stats().handshakes, 1u);
  EXPECT_EQ(driver_->stats().rescans, 0u);
  ASSERT_TRUE(emulator_->fabric().Insert("h0-x000-d002").ok());
  AwaitIdle();
  EXPECT_EQ(CountIn(DeviceState::kAttached), 5u);
}

TEST_F(DriverTest, ExpanderGoesAndReturnsWithItsSubtree) {
  Start(2, 4);
  const std::string id = emulator_->Truth(0).expanders.back().id;
  ASSERT_TRUE(emulator_->fabric().SetExpander(id, false).ok());
  AwaitIdle();
  EXPECT_EQ(listener_.expander_count(), 1u);
  EXPECT_EQ(listener_.devices().size(), 5u);
  ASSERT_TRUE(emulator_->fabric().SetExpander(id, true).ok());
  AwaitIdle();
  EXPECT_EQ(listener_.expander_count(), 2u);
  EXPECT_EQ(CountIn(DeviceState::kAttached), 10u);
}

TEST_F(DriverTest, LostEventsAreDeclaredAndCauseAWalk) {
  Start(1, 4);
  const std::string host = emulator_->HostId(0);
  ASSERT_TRUE(emulator_->fabric().InjectFault(host, emulator::FaultKind::kEventLost, 3).ok());
  ASSERT_TRUE(emulator_->fabric().Pull("h0-x000-d001").ok());
  AwaitIdle();
  EXPECT_EQ(listener_.devices().size(), 4u);
  EXPECT_GE(driver_->stats().rescans, 1u);
  uint32_t lost = 0;
  for (const ObservationBatch& batch : listener_.causes()) {
    if (batch.cause.kind == CauseKind::kResync) lost += batch.cause.lost_events;
  }
  EXPECT_EQ(lost, driver_->stats().events_lost);
}

TEST_F(DriverTest, ResetKeepsPresentDevicesUnderNewHandles) {
  Start(2, 4);
  const auto before = listener_.devices();
  ASSERT_TRUE(emulator_->fabric().ResetHost(emulator_->HostId(0)).ok());
  AwaitIdle();
  const auto after = listener_.devices();
  ASSERT_EQ(after.size(), before.size());
  for (const emulator::TruthDevice& device : emulator_->Truth(0).devices) {
    const NodeKey key{driver_->host(), device.address, device.port};
    EXPECT_EQ(after.at(key).handle, device.handle);
    EXPECT_EQ(after.at(key).state, DeviceState::kAttached);
  }
  EXPECT_EQ(listener_.discovery().reset_count, 1u);
  EXPECT_EQ(listener_.discovery().state, DiscoveryState::kSettled);
}

TEST_F(DriverTest, UnreadablePagesAreReadLater) {
  Start(1, 4);
  ASSERT_TRUE(emulator_->fabric().Pull("h0-x000-d001").ok());
  AwaitIdle();
  const std::string host = emulator_->HostId(0);
  ASSERT_TRUE(emulator_->fabric().InjectFault(host, emulator::FaultKind::kPageReadFails, 20).ok());
  ASSERT_TRUE(emulator_->fabric().Insert("h0-x000-d001").ok());
  AwaitIdle();
  EXPECT_EQ(CountIn(DeviceState::kAttached), 5u);
  EXPECT_GE(driver_->stats().rescans, 1u);
}

// Per HBA: SAS IO unit page 0, its own device page, the board's enclosure, and one SAS phy page per
// phy; two if an expander is attached (for the number of the phy at the other end). Per expander:
// expander page 0 and enclosure page 0, and one expander page 1 per phy. Per end device: SAS device
// page 0. Plus one header per kind of page.
TEST_F(DriverTest, ColdDiscoveryIsLinear) {
  for (const auto& [expanders, devices] :
       {std::pair(2, 10), std::pair(10, 10), std::pair(10, 50)}) {
    Start(expanders, devices);
    const emulator::HostTruth truth = emulator_->Truth(0);
    size_t expected = 3 + truth.phys.size();
    for (const emulator::TruthExpander& expander : truth.expanders) {
      expected += 2 + expander.phys.size();
    }
    expected += truth.devices.size();
    EXPECT_GE(driver_->stats().page_reads, expected) << expanders << " x " << devices;
    EXPECT_LE(driver_->stats().page_reads, expected + truth.phys.size())
        << expanders << " x " << devices;
    EXPECT_LE(driver_->stats().page_headers, 6u);
    EXPECT_EQ(driver_->stats().smp_requests, truth.expanders.size());
    driver_.reset();
  }
}

TEST_F(DriverTest, TenThousandDevicesAreDiscovered) {
  const absl::Time start = absl::Now();
  Start(100, 100);
  const absl::Duration duration = absl::Now() - start;
  EXPECT_EQ(CountIn(DeviceState::kAttached), 10'100u);
  const HbaStats stats = driver_->stats();
  printf("10,000 devices behind 100 expanders: %s, %d page reads, %d SCSI requests\n",
         absl::FormatDuration(duration).c_str(), static_cast<int>(stats.page_reads),
         static_cast<int>(stats.scsi_requests));
}

}  // namespace
}  // namespace sasd
