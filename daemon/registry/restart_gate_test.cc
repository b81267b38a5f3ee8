#include "daemon/registry/restart_gate.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daemon/registry/fake_facts.h"
#include "daemon/registry/fake_pump.h"
#include "daemon/registry/restored.h"
#include "driver/base/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::registry {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

ObservationBatch From(Source source, std::vector<Observation> observations, HostKey host = kHostA) {
  ObservationBatch batch = Batch(std::move(observations), host);
  batch.source = source;
  return batch;
}

DiscoveryFacts Discovering(HostKey host) {
  DiscoveryFacts facts = Settled(host);
  facts.state = DiscoveryState::kInProgress;
  return facts;
}

// The picture that messages would carry of this registry.
Restored Remember(const Registry& registry) {
  RestoredBuilder builder;
  registry.Snapshot()->VisitAll([&](const ResourceRef& ref) {
    std::visit(
        [&](const auto& pointer) {
          auto resource = *pointer;
          using T = std::decay_t<decltype(resource)>;
          if constexpr (std::is_same_v<T, Enclosure>) resource.reports.clear();
          if constexpr (std::is_same_v<T, Host>) resource.discovery_by_source = {};
          builder.Add(std::move(resource));
        },
        ref);
  });
  absl::StatusOr<Restored> restored = builder.Finish();
  EXPECT_TRUE(restored.ok()) << restored.status();
  restored->revision = registry.revision();
  return *std::move(restored);
}

class RestartGateTest : public ::testing::Test {
 protected:
  // Starts again from what the registry shows.
  void Restart() {
    Registry::Options options;
    options.epoch = "00000000000000aa";
    options.restored = Remember(Published());
    registry_ = std::make_unique<Registry>(std::move(options));
    gate_ = std::make_unique<RestartGate>(*registry_, *registry_, clock_, options_);
    TakeEvents();
  }

  void Publish() {
    for (RegistryEventPtr& event : PublishAll(*registry_)) published_.push_back(std::move(event));
  }
  std::vector<RegistryEventPtr> TakeEvents() {
    Publish();
    return std::exchange(published_, {});
  }
  Registry& Published() {
    Publish();
    return *registry_;
  }
  std::shared_ptr<const Topology> Snapshot() { return Published().Snapshot(); }
  // The changes since the last call, without those of hosts.
  std::vector<std::string> Changes() {
    std::vector<std::string> lines;
    for (const RegistryEventPtr& event : TakeEvents()) {
      for (const Change& change : event->changes) {
        if (change.resource_kind() == ResourceKind::kHost) continue;
        const char sign = "+~-"[static_cast<int>(change.kind()) - 1];
        lines.push_back(sign + (" " + Describe(IdOf(change.resource()))));
      }
    }
    return lines;
  }
  std::string WaitsFor() const {
    const std::vector<StaleHost> hosts = gate_->stale_hosts();
    return hosts.empty() ? "" : hosts[0].waits_for;
  }

  FakeClock clock_;
  RestartGate::Options options_ = [] {
    RestartGate::Options options;
    options.grace_end = absl::ZeroDuration();
    return options;
  }();
  std::vector<RegistryEventPtr> published_;
  std::unique_ptr<Registry> registry_ =
      std::make_unique<Registry>(Registry::Options{"00000000000000aa", 0});
  std::unique_ptr<RestartGate> gate_;
};

constexpr Source kFirmware = Source::kFirmware, kSysfs = Source::kSysfs;

TEST_F(RestartGateTest, HostIsComparedOnceAllSourcesOfBeforeHaveSettled) {
  for (const Source source : {kFirmware, kSysfs}) {
    registry_->Observe(
        From(source, {HostOf(kHostA), Settled(kHostA), Drive(kHostA, 0x11), Drive(kHostA, 0x12)}));
  }
  Restart();
  EXPECT_THAT(Published().Unsettled({})[0].reason, HasSubstr("not compared"));
  gate_->Observe(From(kSysfs, {HostOf(kHostA), Settled(kHostA), Drive(kHostA, 0x11)}));
  EXPECT_EQ(WaitsFor(), "the firmware has reported nothing");
  gate_->Observe(From(kFirmware, {HostOf(kHostA), Discovering(kHostA), Drive(kHostA, 0x11)}));
  EXPECT_EQ(WaitsFor(), "the firmware: discovery has not settled");
  EXPECT_THAT(TakeEvents(), IsEmpty());
  gate_->Observe(From(kFirmware, {Settled(kHostA)}));
  const std::vector<RegistryEventPtr> events = TakeEvents();
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0]->cause.kind, CauseKind::kRestart);
  EXPECT_EQ(events[0]->host, kHostA);
  EXPECT_THAT(gate_->stale_hosts(), IsEmpty());
  EXPECT_THAT(Published().Unsettled({}), IsEmpty());
  EXPECT_EQ(Snapshot()->Get<EndDevice>({kHostA, SasAddress(0x12), PhysicalPort(0)}), nullptr);
  // From now on all passes.
  gate_->Observe(From(kSysfs, {Drive(kHostA, 0x13)}));
  EXPECT_THAT(Changes(), Contains("+ end device 0000000000000013 on host 000000000000000a"));
}

TEST_F(RestartGateTest, SilentSourceIsNotAwaitedForLong) {
  for (const Source source : {kFirmware, kSysfs}) {
    registry_->Observe(From(source, {HostOf(kHostA), Settled(kHostA), Drive(kHostA, 0x11)}));
  }
  Restart();
  EXPECT_EQ(gate_->NextPoll(), absl::InfiniteDuration());
  clock_.Advance(absl::Seconds(5));
  gate_->Observe(From(kSysfs, {HostOf(kHostA), Settled(kHostA), Drive(kHostA, 0x11)}));
  EXPECT_EQ(gate_->NextPoll(), absl::Seconds(35));
  clock_.Advance(absl::Seconds(29));
  gate_->Poll();
  EXPECT_THAT(gate_->stale_hosts(), SizeIs(1));
  clock_.Advance(absl::Seconds(1));
  gate_->Poll();
  EXPECT_THAT(gate_->stale_hosts(), IsEmpty());
  EXPECT_EQ(Snapshot()->Get<Host>(kHostA)->sources, SourceSet{kSysfs});
}

TEST_F(RestartGateTest, LostSourceIsNotAwaited) {
  for (const Source source : {kFirmware, kSysfs}) {
    registry_->Observe(From(source, {HostOf(kHostA), Settled(kHostA), Drive(kHostA, 0x11)}));
  }
  Restart();
  gate_->Observe(From(kSysfs, {HostOf(kHostA), Settled(kHostA), Drive(kHostA, 0x11)}));
  gate_->Observe(From(kFirmware, {Discovering(kHostA)}));
  ObservationBatch lost = From(kFirmware, {HostGone{kHostA}});
  lost.cause = MakeCause(CauseKind::kSourceLost, "no control node");
  gate_->Observe(std::move(lost));
  EXPECT_THAT(gate_->stale_hosts(), IsEmpty());
  EXPECT_NE(Snapshot()->Get<EndDevice>({kHostA, SasAddress(0x11), PhysicalPort(0)}), nullptr);
}

TEST_F(RestartGateTest, HostThatNeverSettlesHoldsUpNoOther) {
  for (const HostKey host : {kHostA, kHostB}) {
    registry_->Observe(From(kFirmware, {HostOf(host), Settled(host), Drive(host, 0x11)}, host));
  }
  Restart();
  gate_->Observe(From(kFirmware, {HostOf(kHostA), Discovering(kHostA)}));
  gate_->Observe(From(kFirmware, {HostOf(kHostB), Settled(kHostB), Drive(kHostB, 0x11)}, kHostB));
  clock_.Advance(absl::Hours(24));
  gate_->OnFirstReading();
  const std::vector<StaleHost> stale = gate_->stale_hosts();
  ASSERT_THAT(stale, SizeIs(1));
  EXPECT_EQ(stale[0].host, kHostA);
  EXPECT_TRUE(stale[0].not_read);
  EXPECT_NE(Snapshot()->Get<EndDevice>({kHostA, SasAddress(0x11), PhysicalPort(0)}), nullptr)
      << "what was there is not missing";
}

TEST_F(RestartGateTest, FailedDiscoveryProvesNoLoss) {
  registry_->Observe(From(kFirmware, {HostOf(kHostA), Settled(kHostA), Drive(kHostA, 0x11)}));
  Restart();
  DiscoveryFacts failed = Settled(kHostA);
  failed.state = DiscoveryState::kFailed;
  gate_->Observe(From(kFirmware, {HostOf(kHostA), failed}));
  EXPECT_EQ(WaitsFor(), "no source of the host has settled");
  gate_->Observe(From(kFirmware, {Drive(kHostA, 0x11)}));
  EXPECT_THAT(gate_->stale_hosts(), IsEmpty()) << "nothing is missing";
}

TEST_F(RestartGateTest, DeviceThatIsBeingAttachedIsAwaited) {
  registry_->Observe(From(kFirmware, {HostOf(kHostA), Settled(kHostA), Drive(kHostA, 0x11),
                                      Unit(kHostA, 0x11, "naa.1")}));
  Restart();
  gate_->Observe(From(
      kFirmware, {HostOf(kHostA), Settled(kHostA), Drive(kHostA, 0x11, DeviceState::kDiscovered)}));
  EXPECT_EQ(WaitsFor(), "1 end devices are being attached or removed");
  gate_->Observe(From(kFirmware, {Drive(kHostA, 0x11), Unit(kHostA, 0x11, "naa.1")}));
  EXPECT_THAT(gate_->stale_hosts(), IsEmpty());
  EXPECT_THAT(Changes(), IsEmpty());
}

TEST_F(RestartGateTest, DeviceThatNeverAttachesIsNotAwaitedForLong) {
  registry_->Observe(From(kFirmware, {HostOf(kHostA), Settled(kHostA), Drive(kHostA, 0x11)}));
  Restart();
  const auto attaching = Drive(kHostA, 0x11, DeviceState::kDiscovered);
  gate_->Observe(From(kFirmware, {HostOf(kHostA), Settled(kHostA), attaching}));
  EXPECT_EQ(gate_->NextPoll(), absl::Seconds(30));
  clock_.Advance(absl::Seconds(30));
  gate_->Poll();
  EXPECT_THAT(gate_->stale_hosts(), IsEmpty());
  // It was like that before the next restart: nobody waits for it any more.
  Restart();
  gate_->Observe(From(kFirmware, {HostOf(kHostA), Settled(kHostA), attaching}));
  EXPECT_THAT(gate_->stale_hosts(), IsEmpty());
}

// The kernel takes a while to remove what the firmware has lost, and the firmware may wait before
// it reports a loss that the kernel's state "blocked" announces. All of it is one event.
TEST_F(RestartGateTest, DriveThatIsOnItsWayOutComesInTheEventOfTheRestart) {
  for (const Source source : {kFirmware, kSysfs}) {
    registry_->Observe(From(source, {HostOf(kHostA), Settled(kHostA), ExpanderOn(kHostA),
                                     Drive(kHostA, 0x11), Drive(kHostA, 0x12)}));
  }
  Restart();
  gate_->Observe(From(kSysfs, {HostOf(kHostA), Settled(kHostA), ExpanderOn(kHostA),
                               Drive(kHostA, 0x11), Drive(kHostA, 0x12, DeviceState::kBlocked)}));
  gate_->Observe(
      From(kFirmware, {HostOf(kHostA), Settled(kHostA), ExpanderOn(kHostA), Drive(kHostA, 0x12)}));
  EXPECT_EQ(WaitsFor(), "1 end devices are being attached or removed");
  gate_->Observe(From(kFirmware, {EndDeviceGone{{kHostA, SasAddress(0x12), PhysicalPort(0)}}}));
  gate_->Observe(From(kSysfs, {EndDeviceGone{{kHostA, SasAddress(0x12), PhysicalPort(0)}}}));
  EXPECT_EQ(WaitsFor(), "the firmware and the kernel differ about 1 expanders and end devices");
  EXPECT_THAT(TakeEvents(), IsEmpty());
  gate_->Observe(From(kSysfs, {EndDeviceGone{{kHostA, SasAddress(0x11), PhysicalPort(0)}}}));
  const std::vector<RegistryEventPtr> events = TakeEvents();
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0]->cause.kind, CauseKind::kRestart);
  EXPECT_EQ(Snapshot()->collection<EndDevice>().size(), 0u);
  EXPECT_THAT(gate_->stale_hosts(), IsEmpty());
}

TEST_F(RestartGateTest, LastingDifferenceOfFirmwareAndKernelIsNotAwaitedForLong) {
  for (const Source source : {kFirmware, kSysfs}) {
    registry_->Observe(From(source, {HostOf(kHostA), Settled(kHostA), Drive(kHostA, 0x11)}));
  }
  Restart();
  gate_->Observe(From(kFirmware, {HostOf(kHostA), Settled(kHostA)}));
  gate_->Observe(From(kSysfs, {HostOf(kHostA), Settled(kHostA), Drive(kHostA, 0x11)}));
  EXPECT_EQ(gate_->NextPoll(), absl::Seconds(30));
  clock_.Advance(absl::Seconds(30));
  gate_->Poll();
  EXPECT_THAT(gate_->stale_hosts(), IsEmpty());
  EXPECT_EQ(Snapshot()->Get<EndDevice>({kHostA, SasAddress(0x11), PhysicalPort(0)})->sources,
            SourceSet{kSysfs});
}

TEST_F(RestartGateTest, WithinTheBootGraceAMissingDriveMayStillCome) {
  options_.grace_end = absl::Minutes(5);
  registry_->Observe(
      From(kSysfs, {HostOf(kHostA), Settled(kHostA), Drive(kHostA, 0x11), Drive(kHostA, 0x12)}));
  Restart();
  gate_->Observe(From(kSysfs, {HostOf(kHostA), Settled(kHostA), Drive(kHostA, 0x11)}));
  EXPECT_EQ(WaitsFor(), "1 expanders and end devices are not yet seen");
  EXPECT_FALSE(gate_->stale_hosts()[0].not_read);
  clock_.Advance(absl::Minutes(4));
  gate_->Poll();
  EXPECT_THAT(gate_->stale_hosts(), SizeIs(1));
  gate_->Observe(From(kSysfs, {Drive(kHostA, 0x12)}));
  EXPECT_THAT(gate_->stale_hosts(), IsEmpty());
  EXPECT_THAT(Changes(), IsEmpty());
}

TEST_F(RestartGateTest, GoneHostIsComparedAfterTheFirstReadingAndTheGrace) {
  options_.grace_end = absl::Minutes(5);
  registry_->Observe(From(kFirmware, {HostOf(kHostA), Settled(kHostA), Drive(kHostA, 0x11)}));
  Restart();
  clock_.Advance(absl::Minutes(6));
  gate_->Poll();
  EXPECT_EQ(WaitsFor(), "the first reading is not done");
  gate_->OnFirstReading();
  EXPECT_THAT(gate_->stale_hosts(), IsEmpty());
  EXPECT_EQ(Snapshot()->size(), 0u);
}

TEST_F(RestartGateTest, GoneHostMayComeUntilTheGraceIsOver) {
  options_.grace_end = absl::Minutes(5);
  registry_->Observe(From(kFirmware, {HostOf(kHostA), Settled(kHostA), Drive(kHostA, 0x11)}));
  Restart();
  gate_->OnFirstReading();
  EXPECT_EQ(WaitsFor(), "the host is not yet seen");
  EXPECT_NE(Snapshot()->Get<Host>(kHostA), nullptr);
  clock_.Advance(absl::Minutes(6));
  gate_->Poll();
  EXPECT_EQ(Snapshot()->size(), 0u);
}

// What comes while a host is being compared comes after the comparison.
TEST_F(RestartGateTest, ReportDuringAComparisonIsNotLost) {
  class Next : public ObservationSink {
   public:
    explicit Next(Registry& registry) : registry_(registry) {}
    void Observe(ObservationBatch batch) override { registry_.Observe(std::move(batch)); }
    void Flush() override {
      if (gate == nullptr) return;
      std::exchange(gate, nullptr)->Observe(From(kFirmware, {Drive(kHostA, 0x12)}));
    }
    RestartGate* gate = nullptr;

   private:
    Registry& registry_;
  };
  registry_->Observe(From(kFirmware, {HostOf(kHostA), Settled(kHostA), Drive(kHostA, 0x11)}));
  Restart();
  Next next(*registry_);
  RestartGate gate(*registry_, next, clock_, options_);
  next.gate = &gate;
  gate.Observe(From(kFirmware, {HostOf(kHostA), Settled(kHostA), Drive(kHostA, 0x11)}));
  EXPECT_EQ(next.gate, nullptr);
  EXPECT_THAT(gate.stale_hosts(), IsEmpty());
  EXPECT_EQ(Snapshot()->collection<EndDevice>().size(), 2u);
}

TEST_F(RestartGateTest, WhatGoesWhileItIsHeldBackIsGone) {
  registry_->Observe(From(kFirmware, {HostOf(kHostA), Settled(kHostA), ExpanderOn(kHostA)}));
  Restart();
  const NodeKey expander{kHostA, kExpander, PhysicalPort(0)};
  gate_->Observe(From(kFirmware, {HostOf(kHostA), Discovering(kHostA), ExpanderOn(kHostA),
                                  PhyTo(expander, 1, SasAddress(0x11), 0, LinkRate::k12Gbps),
                                  Drive(kHostA, 0x11), Unit(kHostA, 0x11, "naa.1")}));
  gate_->Observe(From(kFirmware, {EndDeviceGone{{kHostA, SasAddress(0x11), PhysicalPort(0)}},
                                  ExpanderGone{expander}, Settled(kHostA)}));
  EXPECT_THAT(Changes(), ElementsAre("- expander 000000000000000e on host 000000000000000a"));
}

TEST_F(RestartGateTest, NoticesAndMarksPass) {
  registry_->Observe(From(kFirmware, {HostOf(kHostA), Settled(kHostA)}));
  Restart();
  Notice notice;
  notice.subject = NodeKey::Host(kHostA);
  notice.text = "hot";
  gate_->Observe(From(kFirmware, {HostOf(kHostA), notice}));
  ObservationBatch gap = From(kFirmware, {});
  gap.cause.kind = CauseKind::kResync;
  gap.cause.lost_events = 3;
  gate_->Observe(std::move(gap));
  const std::vector<RegistryEventPtr> events = TakeEvents();
  ASSERT_THAT(events, SizeIs(2));
  EXPECT_THAT(events[0]->notices, SizeIs(1));
  EXPECT_THAT(events[0]->changes, IsEmpty());
  EXPECT_EQ(registry_->lost_events(), 3);
}

// Both hosts see one enclosure and, over two paths, its drives.
TEST_F(RestartGateTest, HostsThatShareDrivesCompareOneAfterAnotherWithoutFlapping) {
  const auto see = [](HostKey host) {
    EnclosureFacts enclosure;
    enclosure.key = kEnclosure;
    enclosure.host = host;
    enclosure.slot_count = 4;
    SlotFacts slot;
    slot.key = {kEnclosure, 1};
    slot.label = "Slot 01";
    return std::vector<Observation>{
        HostOf(host), Settled(host), Drive(host, 0x11), Unit(host, 0x11, "naa.1"), enclosure, slot};
  };
  for (const HostKey host : {kHostA, kHostB}) {
    for (const Source source : {kFirmware, kSysfs}) {
      registry_->Observe(From(source, see(host), host));
    }
  }
  Restart();
  for (const HostKey host : {kHostB, kHostA}) {
    for (const Source source : {kFirmware, kSysfs}) {
      gate_->Observe(From(source, see(host), host));
    }
  }
  EXPECT_THAT(gate_->stale_hosts(), IsEmpty());
  EXPECT_THAT(Changes(), IsEmpty());
  // A label that nobody reports any more goes with the last of them, and not before.
  Restart();
  const auto without_label = [&](HostKey host) {
    std::vector<Observation> seen = see(host);
    seen.pop_back();
    return seen;
  };
  for (const Source source : {kFirmware, kSysfs}) {
    gate_->Observe(From(source, without_label(kHostA), kHostA));
  }
  EXPECT_THAT(Changes(), IsEmpty());
  for (const Source source : {kFirmware, kSysfs}) {
    gate_->Observe(From(source, without_label(kHostB), kHostB));
  }
  // The drive and both paths to it show the label of their slot, too. Each changes once.
  EXPECT_THAT(Changes(),
              ElementsAre("~ end device 0000000000000011 on host 000000000000000a",
                          "~ end device 0000000000000011 on host 000000000000000b",
                          "~ logical unit naa.1", "~ slot 1 of enclosure 0000000000000077"));
  EXPECT_EQ(Snapshot()->Get<LogicalUnit>(LogicalUnitKey(Text("naa.1")))->slot_label, "");
}

// One host sees an enclosure with labels, another one its range, by another source. A restart
// cannot know whether the labels are a list.
class SharedEnclosureTest : public RestartGateTest {
 protected:
  // Labels of the slots from `first` on.
  void See(ObservationSink& sink, uint16_t first, bool range_first) {
    EnclosureFacts enclosure;
    enclosure.key = kEnclosure;
    enclosure.host = kHostA;
    enclosure.slot_count = 2;
    std::vector<Observation> labels = {HostOf(kHostA), Settled(kHostA), enclosure};
    for (uint16_t number = first; number < first + 2; ++number) {
      labels.push_back(SlotFacts{{kEnclosure, number}, absl::StrCat("Slot ", number), ""});
    }
    enclosure.host = kHostB;
    ObservationBatch range = From(kFirmware, {HostOf(kHostB), Settled(kHostB), enclosure}, kHostB);
    if (range_first) sink.Observe(range);
    sink.Observe(From(kSysfs, std::move(labels)));
    if (!range_first) sink.Observe(std::move(range));
  }
};

TEST_F(SharedEnclosureTest, SlotKeepsTheSourceOfAnotherHost) {
  for (const bool range_first : {false, true}) {
    See(*registry_, 0, range_first);
    const auto slot = Snapshot()->Get<Slot>({kEnclosure, 1});
    EXPECT_EQ(slot->sources, SourceSet({kFirmware, kSysfs}));
    Restart();
    See(*gate_, 0, range_first);
    EXPECT_THAT(gate_->stale_hosts(), IsEmpty());
    EXPECT_THAT(Changes(), IsEmpty());
  }
  // A source that no host has any more goes with the last host.
  Restart();
  EnclosureFacts enclosure;
  enclosure.key = kEnclosure;
  enclosure.slot_count = 2;
  for (const HostKey host : {kHostA, kHostB}) {
    EXPECT_THAT(Changes(), IsEmpty());
    enclosure.host = host;
    gate_->Observe(From(kFirmware, {HostOf(host), Settled(host), enclosure}, host));
    clock_.Advance(absl::Minutes(1));
    gate_->Poll();
  }
  EXPECT_EQ(Snapshot()->Get<Slot>({kEnclosure, 1})->sources, SourceSet({kFirmware}));
}

TEST_F(SharedEnclosureTest, SlotOfTheRangeStaysWhereOthersHaveLabels) {
  for (const bool range_first : {false, true}) {
    See(*registry_, 1, range_first);
    ASSERT_NE(Snapshot()->Get<Slot>({kEnclosure, 0}), nullptr);
    Restart();
    See(*gate_, 1, range_first);
    EXPECT_THAT(gate_->stale_hosts(), IsEmpty());
    EXPECT_THAT(Changes(), IsEmpty());
  }
}

// Another HBA in the place of the old one: the drive never had two paths.
TEST_F(RestartGateTest, ReplacedHostMakesNoSecondPath) {
  registry_->Observe(From(kFirmware, {HostOf(kHostA), Settled(kHostA), Drive(kHostA, 0x11),
                                      Unit(kHostA, 0x11, "naa.1")}));
  Restart();
  gate_->Observe(From(
      kFirmware,
      {HostOf(kHostB), Settled(kHostB), Drive(kHostB, 0x11), Unit(kHostB, 0x11, "naa.1")}, kHostB));
  gate_->OnFirstReading();
  const auto unit = Snapshot()->Get<LogicalUnit>(LogicalUnitKey(Text("naa.1")));
  ASSERT_NE(unit, nullptr);
  EXPECT_THAT(unit->paths, SizeIs(1));
  EXPECT_EQ(unit->most_paths, 1);
}

TEST_F(RestartGateTest, StartDeclaresTheGapOfLostRevisions) {
  registry_->Observe(From(kFirmware, {HostOf(kHostA), Settled(kHostA)}));
  Registry::Options options;
  options.epoch = "00000000000000aa";
  options.restored = Remember(Published());
  options.restored->gap = RevisionGap{2, 65'536, GapReason::kPowerLoss};
  TakeEvents();
  registry_ = std::make_unique<Registry>(std::move(options));
  EXPECT_EQ(registry_->revision(), 1) << "no event has a revision of the gap";
  RestartGate gate(*registry_, *registry_, clock_, options_);
  const std::vector<RegistryEventPtr> events = TakeEvents();
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0]->previous_revision, 1);
  EXPECT_EQ(events[0]->revision, 65'537);
  ASSERT_TRUE(events[0]->gap.has_value());
  EXPECT_EQ(events[0]->gap->last, 65'536);
}

}  // namespace
}  // namespace sasd::registry
