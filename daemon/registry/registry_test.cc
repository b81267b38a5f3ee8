#include "daemon/registry/registry.h"

#include <string>
#include <thread>  // NOLINT: a consumer of its own
#include <utility>
#include <vector>

#include "daemon/registry/fake_pump.h"
#include "gtest/gtest.h"

namespace sasd::registry {
namespace {

constexpr HostKey kHost(SasAddress(0xA));

ObservationBatch DiscoveryIs(DiscoveryState state) {
  HostFacts host;
  host.key = kHost;
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
  std::vector<RegistryEventPtr> TakeEvents() { return registry_.TakeEvents(); }

  SelfPublishingRegistry registry_{Registry::Options{"00000000000000aa", 40}};
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

TEST_F(RegistryTest, DeviceThatIsBeingRemovedUnsettlesItsHost) {
  registry_.Observe(DiscoveryIs(DiscoveryState::kSettled));
  registry_.Observe(DriveIs(1, DeviceState::kAttached));
  registry_.Observe(DriveIs(1, DeviceState::kRemoving));
  EXPECT_EQ(registry_.Unsettled({}).at(0).reason, "1 end devices are being attached or removed");
  registry_.Observe(DriveIsGone(1));
  EXPECT_TRUE(registry_.Unsettled({}).empty());
}

TEST_F(RegistryTest, LostEventsOfAllGapsAddUp) {
  for (const uint32_t lost : {7u, 3u}) {
    ObservationBatch gap = DiscoveryIs(DiscoveryState::kSettled);
    gap.cause.kind = CauseKind::kResync;
    gap.cause.lost_events = lost;
    registry_.Observe(std::move(gap));
  }
  EXPECT_EQ(registry_.lost_events(), 10);
}

TEST_F(RegistryTest, NewestRemovalOfANameIsFound) {
  const ResourceId drive = MakeId<EndDevice>({kHost, SasAddress(1), PhysicalPort(0)});
  registry_.Observe(DiscoveryIs(DiscoveryState::kSettled));
  for (int i = 0; i < 2; ++i) {
    registry_.Observe(DriveIs(1, DeviceState::kAttached));
    registry_.Observe(DriveIsGone(1));
  }
  EXPECT_EQ(registry_.LastRemoval(drive)->revision, 45);
}

TEST_F(RegistryTest, AliasesAreAnEventAndStay) {
  registry_.Observe(DiscoveryIs(DiscoveryState::kSettled));
  Aliases aliases;
  aliases.hosts[kHost] = "rack3-a";
  aliases.hosts[HostKey(SasAddress(0xB))] = "rack3-b";  // not there
  const auto set = [&](const Aliases& all) {
    const auto revision =
        registry_.SetAliases(all, MakeCause(CauseKind::kControl, "named"), absl::UnixEpoch());
    PublishAll(registry_);
    return revision;
  };
  TakeEvents();
  EXPECT_EQ(set(aliases), 42);
  EXPECT_EQ(registry_.Snapshot()->Get<Host>(kHost)->alias, "rack3-a");
  EXPECT_EQ(registry_.Snapshot()->Get<Host>(kHost)->stamp.revision, 42);
  EXPECT_EQ(set(aliases), std::nullopt) << "nothing differs";
  ObservationBatch gone;
  gone.observations = {HostGone{kHost}};
  registry_.Observe(gone);
  registry_.Observe(DiscoveryIs(DiscoveryState::kInProgress));
  EXPECT_EQ(registry_.Snapshot()->Get<Host>(kHost)->alias, "rack3-a") << "it is back";
  EXPECT_EQ(TakeEvents().size(), 2u);
  EXPECT_EQ(set({}), 45);
  EXPECT_EQ(registry_.Snapshot()->Get<Host>(kHost)->alias, "");
}

TEST_F(RegistryTest, OldestRemovalsAreForgottenFirst) {
  registry_.Observe(DiscoveryIs(DiscoveryState::kSettled));
  ObservationBatch all = DriveIs(1, DeviceState::kAttached), gone = DriveIsGone(1);
  for (uint64_t address = 2; address <= 4096; ++address) {
    all.observations.push_back(DriveIs(address, DeviceState::kAttached).observations[0]);
    gone.observations.push_back(DriveIsGone(address).observations[0]);
  }
  registry_.Observe(std::move(all));
  registry_.Observe(std::move(gone));
  for (const uint64_t address : {5001, 5002}) {
    registry_.Observe(DriveIs(address, DeviceState::kAttached));
    registry_.Observe(DriveIsGone(address));
  }
  const auto is_known = [this](uint64_t address) {
    return registry_.LastRemoval(MakeId<EndDevice>({kHost, SasAddress(address), PhysicalPort(0)}))
        .has_value();
  };
  EXPECT_TRUE(is_known(5001));
  EXPECT_TRUE(is_known(5002));
  EXPECT_FALSE(is_known(4096)) << "of one event the last key is the first removal";
}

// Clients build their picture in the order of the changes.
TEST_F(RegistryTest, ExpanderComesAfterTheOneThatItHangsAt) {
  ExpanderFacts near, far;
  near.key = {kHost, SasAddress(0x20), PhysicalPort(0)};
  near.parent = NodeKey::Host(kHost);
  near.level = 1;
  far.key = {kHost, SasAddress(0x10), PhysicalPort(0)};
  far.parent = near.key;
  far.level = 2;
  ObservationBatch both = DiscoveryIs(DiscoveryState::kSettled);
  both.observations.insert(both.observations.end(), {far, near});
  registry_.Observe(std::move(both));
  std::vector<ResourceId> expanders;
  const RegistryEventPtr event = TakeEvents().back();
  for (const Change& change : event->changes) {
    if (change.resource_kind() == ResourceKind::kExpander) {
      expanders.push_back(IdOf(change.resource()));
    }
  }
  const std::vector<ResourceId> expected = {MakeId<Expander>(near.key), MakeId<Expander>(far.key)};
  EXPECT_EQ(expanders, expected);
}

// A registry whose events the test publishes.
class PublishTest : public ::testing::Test {
 protected:
  // Publishes the oldest events, at most so many.
  void Publish(size_t most = 100) { registry_.Publish(registry_.events().Take(most)); }
  std::string Reason(absl::Span<const HostKey> hosts = {}) {
    const std::vector<UnsettledHost> unsettled = registry_.Unsettled(hosts);
    return unsettled.empty() ? "" : unsettled.front().reason;
  }

  Registry registry_{Registry::Options{"00000000000000aa", 40}};
};

TEST_F(PublishTest, NothingIsVisibleBeforeItIsPublished) {
  registry_.Observe(DiscoveryIs(DiscoveryState::kSettled));
  registry_.Observe(DriveIs(1, DeviceState::kAttached));
  Publish();
  ObservationBatch gap = DriveIsGone(1);
  gap.cause.kind = CauseKind::kResync;
  gap.cause.lost_events = 7;
  registry_.Observe(std::move(gap));
  const ResourceId drive = MakeId<EndDevice>({kHost, SasAddress(1), PhysicalPort(0)});
  EXPECT_EQ(registry_.committed_revision(), 43);
  EXPECT_EQ(registry_.revision(), 42);
  EXPECT_EQ(registry_.lost_events(), 0);
  EXPECT_EQ(registry_.LastRemoval(drive), std::nullopt);
  EXPECT_EQ(registry_.Snapshot()->revision(), 42);
  EXPECT_FALSE(IsNull(registry_.Snapshot()->Get(drive)));
  Publish();
  EXPECT_EQ(registry_.revision(), 43);
  EXPECT_EQ(registry_.lost_events(), 7);
  EXPECT_TRUE(registry_.LastRemoval(drive).has_value());
  EXPECT_TRUE(IsNull(registry_.Snapshot()->Get(drive)));
}

TEST_F(PublishTest, EachEventHasTheTopologyAtItsRevision) {
  registry_.Observe(DiscoveryIs(DiscoveryState::kSettled));
  registry_.Observe(DriveIs(1, DeviceState::kAttached));
  registry_.Observe(DriveIsGone(1));
  const std::vector<CommittedEvent> events = registry_.events().Take(100);
  ASSERT_EQ(events.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(events[i].event->revision, 41 + static_cast<int64_t>(i));
    EXPECT_EQ(events[i].after->revision(), events[i].event->revision);
    EXPECT_EQ(events[i].after->collection<EndDevice>().size(), i == 1 ? 1u : 0u);
  }
}

TEST_F(PublishTest, HostWithUnpublishedChangesIsNotSettled) {
  registry_.Observe(DiscoveryIs(DiscoveryState::kSettled));
  EXPECT_EQ(Reason(), "its changes are not published yet") << "not even the host is visible";
  EXPECT_EQ(Reason({kHost}), "the host is not known");
  Publish();
  EXPECT_EQ(Reason(), "");
  registry_.SetPending(true);
  registry_.Observe(DriveIs(1, DeviceState::kDiscovered));
  registry_.SetPending(false);
  EXPECT_EQ(Reason({kHost}), "its changes are not published yet");
  registry_.Observe(DriveIs(1, DeviceState::kAttached));
  Publish(1);
  EXPECT_EQ(Reason(), "1 end devices are being attached or removed");
  Publish(1);
  EXPECT_EQ(Reason({kHost}), "");
}

TEST_F(PublishTest, PublicationEndsWaits) {
  registry_.Observe(DiscoveryIs(DiscoveryState::kSettled));
  std::thread publisher([this] { Publish(); });
  EXPECT_EQ(registry_.WaitSettled({kHost}, absl::Seconds(60)).value_or(0), 41);
  EXPECT_TRUE(registry_.WaitForRevision(41, absl::Seconds(60)).ok());
  publisher.join();
}

TEST_F(PublishTest, OneConsumerTakesAllEvents) {
  RegistryEventQueue& events = registry_.events();
  EXPECT_FALSE(events.Claim()) << "no event";
  registry_.Observe(DiscoveryIs(DiscoveryState::kSettled));
  EXPECT_TRUE(events.Claim());
  EXPECT_FALSE(events.Claim()) << "the queue is claimed";
  EXPECT_EQ(events.Take(100).size(), 1u);
  EXPECT_TRUE(events.Take(100).empty());
  registry_.Observe(DriveIs(1, DeviceState::kAttached));
  EXPECT_FALSE(events.Release()) << "the consumer also takes later events";
  EXPECT_EQ(events.Take(100).size(), 1u);
  EXPECT_TRUE(events.Release());
}

}  // namespace
}  // namespace sasd::registry
