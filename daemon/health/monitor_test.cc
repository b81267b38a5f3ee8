#include "daemon/health/monitor.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "daemon/health/fake_store.h"
#include "daemon/health/state_codec.h"
#include "daemon/registry/fake_facts.h"
#include "daemon/registry/registry.h"
#include "daemon/registry/restored.h"
#include "driver/base/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::health {
namespace {

using registry::Drive;
using registry::HostOf;
using registry::kHostA;
using registry::MakeId;
using registry::Settled;
using registry::Unit;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class RecordingSink : public FindingSink {
 public:
  void OnChanges(absl::Span<const FindingChange> changes) override {
    for (const FindingChange& change : changes) {
      static constexpr const char* kWords[] = {"+", "*", "-"};
      lines.push_back(
          absl::StrCat(kWords[static_cast<int>(change.kind)], ToString(change.finding.id.reason)));
      messages.push_back(change.finding.message);
    }
  }
  std::vector<std::string> lines, messages;
};

// A node whose sasd can be restarted: the registry begins anew, the store stays.
class MonitorTest : public ::testing::Test {
 protected:
  MonitorTest() { Begin(); }

  void Begin() {
    monitor_.reset();
    Begin({"00000000000000aa", 0});
  }
  void Begin(registry::Registry::Options options) {
    registry_ = std::make_unique<registry::Registry>(std::move(options));
    Monitor::Options monitor{absl::Seconds(30), absl::Minutes(5), &store_, &codec_, &sink_};
    monitor.node_facts = [this] { return facts_; };
    monitor.aliases = [this] {
      const registry::Aliases aliases = aliases_;
      if (after_aliases_ != nullptr) std::exchange(after_aliases_, nullptr)();
      return aliases;
    };
    monitor_ = std::make_unique<Monitor>(monitor, *registry_, clock_);
  }
  // Starts again from the picture that messages would carry.
  void BeginRestored() {
    registry::RestoredBuilder builder;
    registry_->Snapshot()->VisitAll([&](const registry::ResourceRef& ref) {
      std::visit([&](const auto& pointer) { builder.Add(*pointer); }, ref);
    });
    absl::StatusOr<registry::Restored> restored = builder.Finish();
    ASSERT_TRUE(restored.ok()) << restored.status();
    restored->revision = registry_->revision();
    monitor_.reset();
    registry::Registry::Options options;
    options.epoch = "00000000000000aa";
    options.restored = *std::move(restored);
    Begin(std::move(options));
    monitor_->Compare(*registry_->Snapshot());
    registry_->BeginRestart(clock_.Now());
    Pump();
  }
  // The host is compared with what the firmware reports now.
  void Compare(std::vector<Observation> observations) {
    registry::HostComparison comparison;
    comparison.host = kHostA;
    comparison.time = clock_.Now();
    comparison.batches.push_back(registry::Batch(std::move(observations)));
    registry_->Compare(std::move(comparison));
    Pump();
  }
  void Report(std::vector<Observation> observations) {
    ObservationBatch batch = registry::Batch(std::move(observations));
    batch.time = clock_.Now();
    registry_->Observe(std::move(batch));
    Pump();
  }
  void Pump() {
    for (const registry::CommittedEvent& committed : registry_->events().Take(1'000'000)) {
      monitor_->OnCommit(*committed.event, *committed.after);
      for (const registry::EventNotice& notice : committed.event->notices) {
        notices_.push_back(absl::StrCat(notice.reason, ": ", notice.text));
      }
      registry_->Publish({committed});
    }
  }
  void ReportDrive() {
    Report({HostOf(kHostA), Settled(kHostA), Drive(kHostA, 0x11), Unit(kHostA, 0x11, "naa.1")});
  }
  void PullDrive() { Report({EndDeviceGone{{kHostA, SasAddress(0x11), PhysicalPort(0)}}}); }
  std::vector<std::string> Problems() {
    std::vector<std::string> problems;
    for (const Finding& finding : monitor_->Current()->findings) {
      if (finding.root_cause.has_value() || finding.dismissal != nullptr) continue;
      problems.push_back(std::string(ToString(finding.id.reason)));
    }
    return problems;
  }
  HealthStatus Status() { return StatusOf(*monitor_->Current(), {}).status; }

  FakeClock clock_;
  NodeFacts facts_;  // used by this thread alone unless the monitor is started
  registry::Aliases aliases_;
  std::function<void()> after_aliases_;  // called once, after they were read
  FakeStore store_;
  FakeCodec codec_;
  RecordingSink sink_;
  std::unique_ptr<registry::Registry> registry_;
  std::unique_ptr<Monitor> monitor_;
  std::vector<std::string> notices_;
  const registry::ResourceId drive_ =
      MakeId<registry::LogicalUnit>(registry::LogicalUnitKey("naa.1"));
};

TEST_F(MonitorTest, MissingDriveSurvivesARestart) {
  ReportDrive();
  PullDrive();
  const absl::Time lost = clock_.Now();
  monitor_->Step();
  clock_.Advance(absl::Hours(1));
  Begin();
  Report({HostOf(kHostA), Settled(kHostA)});
  ASSERT_THAT(Problems(), ElementsAre("DRIVE_MISSING"));
  EXPECT_EQ(monitor_->Current()->findings[0].first_seen.time, lost);
  EXPECT_EQ(Status(), HealthStatus::kCritical);
  ReportDrive();
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(MonitorTest, StatusIsUnknownUntilAHostSettlesAgain) {
  ReportDrive();
  PullDrive();
  Begin();
  EXPECT_EQ(Status(), HealthStatus::kUnknown);
  EXPECT_THAT(Problems(), ElementsAre("DRIVE_MISSING"));
}

TEST_F(MonitorTest, DriveThatDoesNotComeBackIsMissing) {
  ReportDrive();
  monitor_->Step();
  Begin();  // without the picture from before
  Report({HostOf(kHostA)});
  monitor_->Step();
  EXPECT_THAT(Problems(), IsEmpty()) << "the host still scans";
  Report({Settled(kHostA)});
  monitor_->Step();
  EXPECT_THAT(Problems(), ElementsAre("DRIVE_MISSING"));
}

TEST_F(MonitorTest, HostThatDoesNotComeBackIsMissingAfterTheGrace) {
  ReportDrive();
  monitor_->Step();
  Begin();
  monitor_->Step();
  EXPECT_THAT(Problems(), IsEmpty());
  clock_.Advance(absl::Minutes(6));
  monitor_->Step();
  EXPECT_THAT(Problems(), ElementsAre("HOST_MISSING"));
  EXPECT_EQ(Status(), HealthStatus::kUnknown) << "without any host";
}

TEST_F(MonitorTest, RestoredHostIsUnknownUntilItIsCompared) {
  ReportDrive();
  monitor_->Step();
  BeginRestored();
  EXPECT_EQ(Status(), HealthStatus::kUnknown);
  EXPECT_THAT(StatusOf(*monitor_->Current(), {}).message, HasSubstr("not read since sasd started"));
  EXPECT_THAT(Problems(), IsEmpty());
  Compare({HostOf(kHostA), Settled(kHostA), Drive(kHostA, 0x11), Unit(kHostA, 0x11, "naa.1")});
  EXPECT_EQ(Status(), HealthStatus::kOk);
}

TEST_F(MonitorTest, FindingsOfARestoredHostStayUntilItIsCompared) {
  ReportDrive();
  PullDrive();
  const absl::Time lost = clock_.Now();
  monitor_->Step();
  clock_.Advance(absl::Hours(1));
  BeginRestored();
  monitor_->Step();
  ASSERT_THAT(Problems(), ElementsAre("DRIVE_MISSING"));
  EXPECT_EQ(monitor_->Current()->findings[0].first_seen.time, lost);
  EXPECT_THAT(sink_.lines, Not(Contains("-DRIVE_MISSING")));
  Compare({HostOf(kHostA), Settled(kHostA), Drive(kHostA, 0x11), Unit(kHostA, 0x11, "naa.1")});
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(MonitorTest, TrendOfARestoredHostStaysUntilItIsCompared) {
  for (int i = 0; i < 5; ++i) {
    ReportDrive();
    PullDrive();
  }
  ReportDrive();
  monitor_->Step();
  ASSERT_THAT(Problems(), Contains("FLAPPING"));
  BeginRestored();
  monitor_->Step();
  EXPECT_THAT(Problems(), ElementsAre("FLAPPING"));
  EXPECT_THAT(monitor_->Current()->findings[0].message, HasSubstr("went away 3 times"));
  EXPECT_THAT(sink_.lines, Not(Contains("-FLAPPING")));
  Compare({HostOf(kHostA), Settled(kHostA), Drive(kHostA, 0x11), Unit(kHostA, 0x11, "naa.1")});
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(MonitorTest, DrivePulledWhileSasdWasDownIsMissing) {
  ReportDrive();
  monitor_->Step();
  BeginRestored();
  Compare({HostOf(kHostA), Settled(kHostA)});
  ASSERT_THAT(Problems(), ElementsAre("DRIVE_MISSING"));
  EXPECT_EQ(monitor_->Current()->findings[0].first_seen.cause.kind, CauseKind::kRestart);
  EXPECT_EQ(Status(), HealthStatus::kCritical);
}

TEST_F(MonitorTest, RestoredDeviceMayHaveBeenAttachedSince) {
  ObservationBatch sysfs = registry::Batch({HostOf(kHostA), Settled(kHostA)});
  sysfs.source = Source::kSysfs;
  registry_->Observe(sysfs);
  const EndDeviceFacts device = Drive(kHostA, 0x11, DeviceState::kDiscovered);
  Report({HostOf(kHostA), Settled(kHostA), device});
  monitor_->Step();
  EXPECT_THAT(Problems(), IsEmpty());
  BeginRestored();
  clock_.Advance(absl::Hours(1));
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(MonitorTest, AttachGraceCanChangeWhileItRuns) {
  ObservationBatch sysfs = registry::Batch({HostOf(kHostA), Settled(kHostA)});
  sysfs.source = Source::kSysfs;
  registry_->Observe(sysfs);
  Report({HostOf(kHostA), Settled(kHostA), Drive(kHostA, 0x11, DeviceState::kDiscovered)});
  clock_.Advance(absl::Seconds(20));
  EXPECT_THAT(Problems(), IsEmpty());
  monitor_->SetAttachGrace(absl::Seconds(10));
  clock_.Advance(absl::Seconds(2));  // a report is at most a second old
  EXPECT_THAT(Problems(), ElementsAre("NOT_ATTACHED"));
  monitor_->SetAttachGrace(absl::Hours(1));
  clock_.Advance(absl::Seconds(2));
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(MonitorTest, HostThatIsNeverReadIsAWarning) {
  ReportDrive();
  BeginRestored();
  facts_.stale_hosts = {{kHostA, false, "the firmware: discovery is in progress"}};
  clock_.Advance(absl::Seconds(2));
  EXPECT_THAT(Problems(), IsEmpty()) << "within the boot grace";
  EXPECT_THAT(StatusOf(*monitor_->Current(), {}).message,
              HasSubstr("waits for the firmware: discovery is in progress"));
  facts_.stale_hosts[0].not_read = true;
  clock_.Advance(absl::Seconds(2));
  ASSERT_THAT(Problems(), ElementsAre("HOST_NOT_READ"));
  const Finding finding = monitor_->Current()->findings[0];
  EXPECT_EQ(finding.severity, Severity::kWarning);
  EXPECT_THAT(finding.message, HasSubstr("waits for the firmware: discovery is in progress"));
  EXPECT_TRUE(Concerns(finding, {kHostA}));
  EXPECT_FALSE(Concerns(finding, {registry::kHostB}));
  EXPECT_EQ(Status(), HealthStatus::kUnknown);
  // The gate may be behind what is published.
  Compare({HostOf(kHostA), Settled(kHostA), Drive(kHostA, 0x11), Unit(kHostA, 0x11, "naa.1")});
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(MonitorTest, AnHbaOnItsWayToAnotherDriverIsNoLoss) {
  HostFacts host = HostOf(kHostA);
  host.pci_address = "0000:03:00.0";
  Report({host, Settled(kHostA), Drive(kHostA, 0x11), Unit(kHostA, 0x11, "naa.1")});
  Report({HostGone{kHostA}});
  clock_.Advance(absl::Seconds(2));
  ASSERT_THAT(Problems(), ElementsAre("HOST_MISSING"));
  EXPECT_EQ(monitor_->Current()->findings[0].severity, Severity::kCritical);
  facts_.handed_over = {{"0000:03:00.0", "0000:03:00.0 has no driver"}};
  clock_.Advance(absl::Seconds(2));
  ASSERT_THAT(Problems(), ElementsAre("HOST_MISSING"));
  for (const Finding& finding : monitor_->Current()->findings) {
    EXPECT_EQ(finding.severity, Severity::kWarning) << finding.message;
  }
  EXPECT_THAT(monitor_->Current()->findings[0].message,
              HasSubstr("is in the machine, and nobody drives it: 0000:03:00.0 has no driver"));
  facts_.handed_over = {{"0000:04:00.0", "another"}};
  clock_.Advance(absl::Seconds(2));
  ASSERT_THAT(Problems(), ElementsAre("HOST_MISSING"));
  EXPECT_EQ(monitor_->Current()->findings[0].severity, Severity::kCritical);
}

TEST_F(MonitorTest, JournalThatDoesNotTakeEventsIsAFinding) {
  ReportDrive();
  EXPECT_EQ(Status(), HealthStatus::kOk);
  facts_.journal = NodeFacts::Journal::kStalled;
  facts_.journal_message = "the disk does not answer";
  clock_.Advance(absl::Seconds(2));
  ASSERT_THAT(Problems(), ElementsAre("JOURNAL_STALLED"));
  EXPECT_THAT(monitor_->Current()->findings[0].message, HasSubstr("the disk does not answer"));
  EXPECT_EQ(Status(), HealthStatus::kCritical);
  EXPECT_EQ(StatusOf(*monitor_->Current(), {kHostA}).status, HealthStatus::kCritical)
      << "it concerns each host";
  facts_.journal = NodeFacts::Journal::kRefused;
  clock_.Advance(absl::Seconds(2));
  EXPECT_THAT(Problems(), ElementsAre("JOURNAL_REFUSED"));
  EXPECT_EQ(Status(), HealthStatus::kWarning);
  facts_.journal = NodeFacts::Journal::kWell;
  clock_.Advance(absl::Seconds(2));
  EXPECT_EQ(Status(), HealthStatus::kOk);
}

TEST_F(MonitorTest, UnreadableHostsAreOneWarning) {
  ReportDrive();
  facts_.unreadable_hosts = {{"host3", "no control node"}, {"host5", "the driver is too old"}};
  ASSERT_THAT(Problems(), ElementsAre("HOST_UNREADABLE"));
  EXPECT_EQ(monitor_->Current()->findings[0].message,
            "host3 cannot be read: no control node; host5 cannot be read: the driver is too old");
  EXPECT_EQ(Status(), HealthStatus::kWarning);
}

TEST_F(MonitorTest, CertificateIsAFindingFromThirtyDaysBeforeItsEnd) {
  ReportDrive();
  NodeFacts::Certificate certificate;
  certificate.name = "CN=node in /node.pem";
  certificate.begin = clock_.Now() - absl::Hours(1);
  certificate.end = clock_.Now() + absl::Hours(24 * 30 + 1);
  facts_.certificates = {certificate};
  EXPECT_EQ(Status(), HealthStatus::kOk);
  clock_.Advance(absl::Hours(1));
  EXPECT_THAT(Problems(), ElementsAre("CERTIFICATE_EXPIRES"));
  EXPECT_EQ(Status(), HealthStatus::kWarning);
  clock_.Advance(absl::Hours(24 * 30));
  EXPECT_THAT(Problems(), ElementsAre("CERTIFICATE_EXPIRED"));
  EXPECT_EQ(Status(), HealthStatus::kCritical);
  facts_.certificates[0].end += absl::Hours(24 * 365);  // a new one is in its place
  clock_.Advance(absl::Seconds(2));
  EXPECT_EQ(Status(), HealthStatus::kOk);
  facts_.certificates[0].begin = clock_.Now() + absl::Hours(1);
  clock_.Advance(absl::Seconds(2));
  EXPECT_THAT(Problems(), ElementsAre("CERTIFICATE_UNUSABLE")) << "not valid yet";
  facts_.certificates[0] = {"/node.pem", absl::InfinitePast(), absl::InfiniteFuture(), "no PEM"};
  clock_.Advance(absl::Seconds(2));
  ASSERT_THAT(Problems(), ElementsAre("CERTIFICATE_UNUSABLE"));
  EXPECT_EQ(monitor_->Current()->findings[0].message, "certificate /node.pem: no PEM");
  EXPECT_EQ(Status(), HealthStatus::kCritical);
}

TEST_F(MonitorTest, DismissalIsStoredAndRecorded) {
  ReportDrive();
  PullDrive();
  const auto dismissed = monitor_->Dismiss(drive_, "sent to the vendor", absl::Hours(2), "uid 0");
  ASSERT_TRUE(dismissed.ok()) << dismissed.status();
  Pump();
  EXPECT_EQ(dismissed->revision, registry_->revision());
  EXPECT_THAT(notices_, ElementsAre("DISMISSED: logical unit naa.1 dismissed by uid 0 for 2h: sent "
                                    "to the vendor"));
  EXPECT_EQ(Status(), HealthStatus::kOk);
  Begin();
  Report({HostOf(kHostA), Settled(kHostA)});
  EXPECT_EQ(Status(), HealthStatus::kOk);
  clock_.Advance(absl::Hours(2));
  EXPECT_EQ(Status(), HealthStatus::kCritical);
  EXPECT_EQ(monitor_->Undismiss(drive_, "uid 0").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(MonitorTest, UndismissedDriveCountsAgain) {
  ReportDrive();
  PullDrive();
  ASSERT_TRUE(monitor_->Dismiss(drive_, "planned", absl::InfiniteDuration(), "uid 0").ok());
  EXPECT_EQ(Status(), HealthStatus::kOk);
  ASSERT_TRUE(monitor_->Undismiss(drive_, "uid 0").ok());
  EXPECT_EQ(Status(), HealthStatus::kCritical);
  Pump();
  EXPECT_THAT(notices_.back(), HasSubstr("UNDISMISSED: "));
}

TEST_F(MonitorTest, FailedWriteDismissesNothing) {
  ReportDrive();
  PullDrive();
  store_.Fail(absl::UnavailableError("disk"));
  EXPECT_FALSE(monitor_->Dismiss(drive_, "planned", absl::InfiniteDuration(), "uid 0").ok());
  EXPECT_FALSE(monitor_->Accept({}, "uid 0").ok());
  EXPECT_THAT(Problems(), ElementsAre("DRIVE_MISSING"));
  store_.Fail(absl::OkStatus());
  monitor_->Step();  // writes what failed before
  Begin();
  Report({HostOf(kHostA), Settled(kHostA)});
  EXPECT_THAT(Problems(), ElementsAre("DRIVE_MISSING"));
}

TEST_F(MonitorTest, AcceptIsRecordedAndOutlivesARestart) {
  ReportDrive();
  PullDrive();
  const auto accepted = monitor_->Accept({}, "uid 0");
  ASSERT_TRUE(accepted.ok()) << accepted.status();
  EXPECT_THAT(accepted->removed, SizeIs(2)) << "the drive and its path";
  Pump();
  EXPECT_THAT(notices_, ElementsAre(HasSubstr("BASELINE_ACCEPTED: baseline accepted by uid 0: 2")));
  Begin();
  Report({HostOf(kHostA), Settled(kHostA)});
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(MonitorTest, LostStoreIsCriticalUntilAccepted) {
  ReportDrive();
  monitor_->Step();
  monitor_.reset();
  store_.Lose();
  Begin();
  ReportDrive();
  EXPECT_THAT(Problems(), ElementsAre("BASELINE_LOST"));
  Begin();
  ReportDrive();
  EXPECT_THAT(Problems(), ElementsAre("BASELINE_LOST")) << "another start changes nothing";
  ASSERT_TRUE(monitor_->Accept({}, "uid 0").ok());
  EXPECT_THAT(Problems(), IsEmpty());
  Begin();
  ReportDrive();
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(MonitorTest, FindingKeepsTheTimeWhenItWasFirstSeen) {
  DiscoveryFacts discovery = Settled(kHostA);
  discovery.status = 1;
  Report({HostOf(kHostA), discovery});
  monitor_->Step();
  const absl::Time first = clock_.Now();
  clock_.Advance(absl::Hours(1));
  Begin();
  discovery.status = 2;
  Report({HostOf(kHostA), discovery});
  ASSERT_THAT(Problems(), ElementsAre("DISCOVERY_ERROR"));
  EXPECT_EQ(monitor_->Current()->findings[0].first_seen.time, first);
}

TEST_F(MonitorTest, SinkGetsEachChangeOnce) {
  ReportDrive();
  monitor_->Step();
  EXPECT_THAT(sink_.lines, IsEmpty());
  PullDrive();
  monitor_->Step();
  monitor_->Step();
  EXPECT_THAT(sink_.lines, ElementsAre("+DRIVE_MISSING"));
  ReportDrive();
  monitor_->Step();
  EXPECT_THAT(sink_.lines, ElementsAre("+DRIVE_MISSING", "-DRIVE_MISSING"));
}

TEST_F(MonitorTest, TextsShowTheAliasesOfNow) {
  Report({HostOf(kHostA), Settled(kHostA)});
  Report({HostGone{kHostA}});
  const auto message = [this] { return monitor_->Current()->findings.at(0).message; };
  const std::string plain = message();
  const std::string id = ToText(kHostA);
  ASSERT_THAT(plain, HasSubstr(absl::StrCat("host ", id)));
  aliases_.hosts[kHostA] = "rack3-a";
  const std::string with_alias = absl::StrReplaceAll(plain, {{id, absl::StrCat(id, " (rack3-a)")}});
  EXPECT_EQ(message(), with_alias);  // although no event came
  ASSERT_THAT(monitor_->Current()->findings.at(0).aliases, SizeIs(1));
  monitor_->Step();
  EXPECT_THAT(sink_.messages, ElementsAre(with_alias));
  aliases_.hosts[kHostA] = "cellar";
  monitor_->Step();
  EXPECT_THAT(sink_.messages, SizeIs(1));  // it is the same finding
  // What was stored has no alias.
  aliases_ = {};
  Begin();
  EXPECT_EQ(StatusOf(*monitor_->Current(), {}).message, "there is no host");
  clock_.Advance(absl::Minutes(6));
  monitor_->Step();
  EXPECT_EQ(message(), plain);
}

TEST_F(MonitorTest, WhatHappensAfterAnAliasIsReportedWithIt) {
  Report({HostOf(kHostA), Settled(kHostA)});
  monitor_->Step();
  after_aliases_ = [this] {
    aliases_.hosts[kHostA] = "rack3-a";
    Report({HostGone{kHostA}});
  };
  monitor_->Step();
  ASSERT_THAT(sink_.lines, ElementsAre("+HOST_MISSING"));
  EXPECT_THAT(sink_.messages.at(0), HasSubstr("(rack3-a)"));
}

TEST_F(MonitorTest, ThreadReportsAfterAnEvent) {
  struct Waiting : FindingSink {
    void OnChanges(absl::Span<const FindingChange> changes) override {
      if (!changes.empty() && !called.HasBeenNotified()) called.Notify();
    }
    absl::Notification called;
  } sink;
  monitor_ = std::make_unique<Monitor>(
      Monitor::Options{absl::Seconds(30), absl::Minutes(5), nullptr, nullptr, &sink}, *registry_,
      clock_);
  monitor_->Start();
  ReportDrive();
  PullDrive();
  EXPECT_TRUE(sink.called.WaitForNotificationWithTimeout(absl::Seconds(30)));
  monitor_.reset();
}

// 100,000 drives take seconds to write, and SIGTERM leaves less.
TEST_F(MonitorTest, ShortEndWritesWhatIsMissingFirst) {
  std::vector<Observation> facts = {HostOf(kHostA), Settled(kHostA)};
  for (uint64_t i = 0; i < 5'000; ++i) {
    facts.push_back(Drive(kHostA, 0x100000 + i));
    facts.push_back(Unit(kHostA, 0x100000 + i, absl::StrCat("naa.", i)));
  }
  Report(facts);
  Report({EndDeviceGone{{kHostA, SasAddress(0x100000 + 4'999), PhysicalPort(0)}}});
  int writes = 0;
  store_.on_write = [&] {
    ++writes;
    clock_.Advance(absl::Milliseconds(200));
  };
  monitor_->Stop();
  EXPECT_EQ(writes, 2) << "of 3";
  store_.on_write = nullptr;
  const auto stored = store_.Read("baseline");
  ASSERT_TRUE(stored.ok());
  EXPECT_GT(stored->size(), 8'000u);
  EXPECT_LT(stored->size(), 10'000u);
  int missing = 0;
  for (const auto& [key, value] : *stored) {
    const auto entry = DecodeEntry(*codec_.ParseName(key), value, codec_);
    ASSERT_TRUE(entry.ok()) << entry.status();
    missing += entry->missing != nullptr ? 1 : 0;
  }
  EXPECT_EQ(missing, 2) << "the drive and its path";
  monitor_->Stop();
  EXPECT_EQ(store_.Read("baseline")->size(), 10'001u);
}

}  // namespace
}  // namespace sasd::health
