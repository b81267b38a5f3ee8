#include "daemon/registry/registry.h"

#include <atomic>
#include <thread>  // NOLINT: a consumer of its own
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace sasd::registry {
namespace {

constexpr SasAddress kHost(0xA);

ObservationBatch DiscoveryIs(DiscoveryState state) {
  HostFacts host;
  host.address = kHost;
  DiscoveryFacts discovery;
  discovery.host = kHost;
  discovery.state = state;
  ObservationBatch batch;
  batch.host = kHost;
  batch.observations = {host, discovery};
  return batch;
}

ObservationBatch DriveIs(uint64_t address, DeviceState state) {
  EndDeviceFacts facts;
  facts.key = {kHost, SasAddress(address), PhysicalPort(0)};
  facts.parent = NodeKey::Host(kHost);
  facts.state = state;
  ObservationBatch batch;
  batch.host = kHost;
  batch.observations = {facts};
  return batch;
}

ObservationBatch DriveIsGone(uint64_t address) {
  ObservationBatch batch;
  batch.host = kHost;
  batch.observations = {EndDeviceGone{{kHost, SasAddress(address), PhysicalPort(0)}}};
  return batch;
}

class RegistryTest : public ::testing::Test {
 protected:
  std::vector<RegistryEventPtr> TakeEvents() {
    std::vector<RegistryEventPtr> events;
    while (RegistryEventPtr event = registry_.events().Pop()) events.push_back(std::move(event));
    return events;
  }

  Registry registry_{Registry::Options{"00000000000000aa", 40}};
};

TEST_F(RegistryTest, RevisionsHaveNoHoles) {
  registry_.Observe(DiscoveryIs(DiscoveryState::kSettled));
  registry_.Observe(DriveIs(1, DeviceState::kAttached));
  registry_.Observe(DriveIs(1, DeviceState::kAttached));  // known
  registry_.Observe(DriveIs(1, DeviceState::kBlocked));
  const std::vector<RegistryEventPtr> events = TakeEvents();
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0]->revision, 41);
  EXPECT_EQ(events[1]->revision, 42);
  EXPECT_EQ(events[2]->revision, 43);
  EXPECT_EQ(registry_.revision(), 43);
  EXPECT_EQ(events[2]->changes.at(0).kind(), ChangeKind::kModified);
}

TEST_F(RegistryTest, SnapshotKeepsItsContent) {
  registry_.Observe(DiscoveryIs(DiscoveryState::kSettled));
  registry_.Observe(DriveIs(1, DeviceState::kAttached));
  const std::shared_ptr<const Topology> before = registry_.Snapshot();
  registry_.Observe(DriveIsGone(1));
  registry_.Observe(DriveIs(2, DeviceState::kAttached));
  EXPECT_EQ(before->revision(), 42);
  ASSERT_EQ(before->collection<EndDevice>().size(), 1u);
  EXPECT_EQ((*before->collection<EndDevice>().begin())->key().address, SasAddress(1));
  const std::shared_ptr<const Topology> after = registry_.Snapshot();
  EXPECT_EQ(after->revision(), 44);
  ASSERT_EQ(after->collection<EndDevice>().size(), 1u);
  EXPECT_EQ((*after->collection<EndDevice>().begin())->key().address, SasAddress(2));
}

TEST_F(RegistryTest, RemovalKeepsTheLastKnownState) {
  registry_.Observe(DiscoveryIs(DiscoveryState::kSettled));
  registry_.Observe(DriveIs(1, DeviceState::kBlocked));
  registry_.Observe(DriveIsGone(1));
  const Change change = TakeEvents().back()->changes.at(0);
  EXPECT_EQ(change.kind(), ChangeKind::kRemoved);
  const auto& last = std::get<IndexOf<EndDevice>()>(change.before);
  EXPECT_EQ(last->facts.state, DeviceState::kBlocked);
  const std::optional<Removal> removal = registry_.LastRemoval(IdOf(change.before));
  ASSERT_TRUE(removal.has_value());
  EXPECT_EQ(removal->revision, 43);
}

TEST_F(RegistryTest, HostSettlesAfterDiscoveryAndAttach) {
  EXPECT_TRUE(registry_.Unsettled({}).empty()) << "no host";
  ASSERT_EQ(registry_.Unsettled({kHost}).size(), 1u);
  registry_.Observe(DiscoveryIs(DiscoveryState::kInProgress));
  EXPECT_EQ(registry_.Unsettled({}).at(0).reason, "discovery is in progress");
  registry_.Observe(DriveIs(1, DeviceState::kDiscovered));
  registry_.Observe(DiscoveryIs(DiscoveryState::kSettled));
  EXPECT_EQ(registry_.Unsettled({}).at(0).reason, "1 end devices are being attached or removed");
  EXPECT_EQ(registry_.WaitSettled({}, absl::ZeroDuration()).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  registry_.Observe(DriveIs(1, DeviceState::kAttached));
  EXPECT_EQ(registry_.WaitSettled({}, absl::ZeroDuration()).value_or(0), 44);
  registry_.SetPending(true);
  EXPECT_EQ(registry_.Unsettled({}).at(0).reason, "uevents of the kernel are not processed yet");
  registry_.SetPending(false);
  EXPECT_TRUE(registry_.Unsettled({}).empty());
}

// A waiter that an event wakes checks whether all hosts are settled. The state of that event must
// be visible by then, since nothing wakes the waiter again.
TEST_F(RegistryTest, StateIsVisibleBeforeItsEvent) {
  constexpr int kEvents = 20'000;
  std::atomic<int> too_early{0};
  std::thread consumer([&] {
    int64_t last = 0;
    while (last < 40 + kEvents) {
      if (!registry_.events().Claim()) continue;
      do {
        while (const RegistryEventPtr event = registry_.events().Pop()) {
          last = event->revision;
          if (registry_.revision() < last) ++too_early;
        }
      } while (!registry_.events().Release());
    }
  });
  for (int i = 0; i < kEvents; ++i) {
    registry_.Observe(
        DiscoveryIs(i % 2 == 0 ? DiscoveryState::kSettled : DiscoveryState::kInProgress));
  }
  consumer.join();
  EXPECT_EQ(too_early, 0);
}

TEST_F(RegistryTest, OneConsumerTakesAllEvents) {
  RegistryEventQueue& events = registry_.events();
  EXPECT_FALSE(events.Claim()) << "no event";
  registry_.Observe(DiscoveryIs(DiscoveryState::kSettled));
  EXPECT_TRUE(events.Claim());
  EXPECT_FALSE(events.Claim()) << "the queue is claimed";
  EXPECT_NE(events.Pop(), nullptr);
  EXPECT_EQ(events.Pop(), nullptr);
  registry_.Observe(DriveIs(1, DeviceState::kAttached));
  EXPECT_FALSE(events.Release()) << "the consumer also takes later events";
  EXPECT_NE(events.Pop(), nullptr);
  EXPECT_TRUE(events.Release());
}

}  // namespace
}  // namespace sasd::registry
