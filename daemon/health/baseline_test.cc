#include "daemon/health/baseline.h"

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "daemon/health/fake_node.h"
#include "daemon/registry/fake_facts.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::health {
namespace {

using registry::Drive;
using registry::ExpanderOn;
using registry::HostOf;
using registry::kEnclosure;
using registry::kExpander;
using registry::kHostA;
using registry::kHostB;
using registry::MakeId;
using registry::PhyTo;
using registry::Settled;
using registry::Unit;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class BaselineTest : public ::testing::Test {
 protected:
  BaselineTest() { node_.Report({HostOf(kHostA), Settled(kHostA)}); }

  static LogicalUnitFacts UnitWithSerial(HostKey host, uint64_t address, const std::string& wwid,
                                         const std::string& serial) {
    LogicalUnitFacts facts = Unit(host, address, wwid);
    facts.serial = serial;
    return facts;
  }
  static EndDeviceGone Gone(HostKey host, uint64_t address) {
    return {{host, SasAddress(address), PhysicalPort(0)}};
  }
  Dismissal Dismissed(registry::ResourceId id) {
    Dismissal dismissal;
    dismissal.resource = std::move(id);
    dismissal.reason = "planned";
    return dismissal;
  }

  FakeNode node_;
  const registry::ResourceId drive_ =
      MakeId<registry::LogicalUnit>(registry::LogicalUnitKey("naa.1"));
  const registry::ResourceId path_ = MakeId<registry::EndDevice>({kHostA, SasAddress(0x11), {}});
  const NodeKey host_ = NodeKey::Host(kHostA);
};

TEST_F(BaselineTest, NothingIsMissedBeforeTheFirstHostSettled) {
  FakeNode node;
  node.Report({HostOf(kHostA), Drive(kHostA, 0x11), Unit(kHostA, 0x11, "naa.1")});
  node.Report({Gone(kHostA, 0x11)});
  node.Report({Settled(kHostA)});
  EXPECT_THAT(node.Problems(), IsEmpty());
  EXPECT_EQ(node.baseline.size(), 1) << "the host";
}

TEST_F(BaselineTest, MissingDriveKeepsTimeRevisionAndCause) {
  node_.Report({Drive(kHostA, 0x11), UnitWithSerial(kHostA, 0x11, "naa.1", "S1")});
  EXPECT_THAT(node_.Problems(), IsEmpty());
  node_.now += absl::Hours(1);
  node_.Report({Gone(kHostA, 0x11)}, kHostA, Source::kFirmware, "phy 1 not responding");
  const int64_t revision = node_.registry.revision();
  node_.now += absl::Hours(1);
  node_.Report({Settled(kHostA)});
  ASSERT_THAT(node_.Problems(),
              ElementsAre("3 DRIVE_MISSING drive S1 in slot 1 of enclosure 0000000000000077 is "
                          "missing (phy 1 not responding)"));
  const Finding finding = node_.Examine().findings[0];
  EXPECT_EQ(finding.first_seen.revision, revision);
  EXPECT_EQ(finding.first_seen.time, node_.now - absl::Hours(1));
  EXPECT_EQ(finding.first_seen.cause.text, "phy 1 not responding");
  EXPECT_THAT(finding.affected, ElementsAre(drive_, path_));
  node_.Report({Drive(kHostA, 0x11), UnitWithSerial(kHostA, 0x11, "naa.1", "S1")});
  EXPECT_THAT(node_.Problems(), IsEmpty());
  EXPECT_THAT(node_.notices, IsEmpty());
}

TEST_F(BaselineTest, NodeWithoutAHostIsUnknownAndNeverOk) {
  EXPECT_EQ(FakeNode().Status(), HealthStatus::kUnknown);
  EXPECT_EQ(node_.Status(), HealthStatus::kOk);
  node_.Report({HostGone{kHostA}});
  EXPECT_EQ(node_.Status(), HealthStatus::kUnknown);
  EXPECT_THAT(node_.Problems(), ElementsAre(HasSubstr("3 HOST_MISSING host 000000000000000a")));
  node_.dismissals.Add(Dismissed(MakeId<registry::Host>(kHostA)));
  EXPECT_EQ(node_.Status(), HealthStatus::kUnknown);
}

TEST_F(BaselineTest, LostHostIsOneFindingWithAllUnderIt) {
  node_.Report({HostOf(kHostB), Settled(kHostB)}, kHostB);
  node_.Report({ExpanderOn(kHostA), Drive(kHostA, 0x11), Unit(kHostA, 0x11, "naa.1"),
                Drive(kHostA, 0x12), Unit(kHostA, 0x12, "naa.2")});
  node_.Report({Drive(kHostB, 0x13), Unit(kHostB, 0x13, "naa.1")}, kHostB);
  node_.Report({HostGone{kHostA}});
  EXPECT_THAT(node_.Problems(), ElementsAre(AllOf(HasSubstr("3 HOST_MISSING"),
                                                  HasSubstr("2 drives lost a path, 1 lost all"))));
  EXPECT_EQ(node_.Status(), HealthStatus::kCritical);
  EXPECT_EQ(node_.Status({kHostB}), HealthStatus::kWarning) << "its drive has one path";
  EXPECT_EQ(node_.Status({kHostA}), HealthStatus::kUnknown);
}

TEST_F(BaselineTest, HostThatHasNotSettledIsUnknown) {
  FakeNode node;
  node.Report({HostOf(kHostA)});
  EXPECT_EQ(node.Status(), HealthStatus::kUnknown);
  DiscoveryFacts again = Settled(kHostA);
  node.Report({again});
  again.state = DiscoveryState::kInProgress;
  node.Report({again});
  EXPECT_EQ(node.Status(), HealthStatus::kOk) << "it has been read";
}

TEST_F(BaselineTest, EndDeviceWithoutItsDriveIsAMissingPath) {
  node_.Report({HostOf(kHostB), Settled(kHostB)}, kHostB);
  node_.Report({Drive(kHostA, 0x11), Unit(kHostA, 0x11, "naa.1")});
  node_.Report({Drive(kHostB, 0x12), Unit(kHostB, 0x12, "naa.1")}, kHostB);
  node_.Report({LogicalUnitGone{{kHostA, SasAddress(0x11), PhysicalPort(0)}, 0}});
  EXPECT_THAT(node_.Problems(), ElementsAre(HasSubstr("2 PATH_MISSING")));
  node_.Report({LogicalUnitGone{{kHostB, SasAddress(0x12), PhysicalPort(0)}, 0}}, kHostB);
  EXPECT_THAT(node_.Problems(), ElementsAre(HasSubstr("3 DRIVE_MISSING")));
}

TEST_F(BaselineTest, ReplacementInTheSameEventIsAnnouncedOnce) {
  node_.Report({Drive(kHostA, 0x11), UnitWithSerial(kHostA, 0x11, "naa.1", "S1")});
  EndDeviceFacts other = Drive(kHostA, 0x21);
  node_.Report({Gone(kHostA, 0x11), other, UnitWithSerial(kHostA, 0x21, "naa.2", "S2")});
  EXPECT_THAT(node_.notices,
              ElementsAre("DRIVE_REPLACED slot 1 of enclosure 0000000000000077: drive S1 was "
                          "replaced by S2"));
  EXPECT_THAT(node_.Problems(), IsEmpty());
}

// After a restart each host is an event of its own.
TEST_F(BaselineTest, DualPathDriveReplacedHostByHostIsAnnouncedOnce) {
  for (const bool arrives_first : {true, false}) {
    SCOPED_TRACE(arrives_first);
    FakeNode node;
    node.Report({HostOf(kHostA), Settled(kHostA), Drive(kHostA, 0x11),
                 UnitWithSerial(kHostA, 0x11, "naa.1", "S1")});
    node.Report({HostOf(kHostB), Settled(kHostB), Drive(kHostB, 0x21),
                 UnitWithSerial(kHostB, 0x21, "naa.1", "S1")},
                kHostB);
    EXPECT_THAT(node.Problems(), IsEmpty());
    std::vector<Observation> arrives = {Drive(kHostA, 0x31),
                                        UnitWithSerial(kHostA, 0x31, "naa.2", "S2")};
    if (arrives_first) {
      arrives.push_back(Gone(kHostA, 0x11));
      node.Report(arrives);
      node.Report({Gone(kHostB, 0x21)}, kHostB);
    } else {
      node.Report({Gone(kHostA, 0x11)});
      node.Report({Gone(kHostB, 0x21)}, kHostB);
      node.Report(arrives);
    }
    node.Report({Drive(kHostB, 0x41), UnitWithSerial(kHostB, 0x41, "naa.2", "S2")}, kHostB);
    EXPECT_THAT(node.notices,
                ElementsAre("DRIVE_REPLACED slot 1 of enclosure 0000000000000077: drive S1 was "
                            "replaced by S2"));
    EXPECT_THAT(node.Problems(), IsEmpty()) << "neither the drive nor a path of it is missed";
    EXPECT_FALSE(node.baseline.Find(drive_).has_value());
  }
}

// sasd is killed between the events of the two hosts.
TEST_F(BaselineTest, DriveReplacedOverTwoRunsIsNotMissing) {
  node_.Report({HostOf(kHostB), Settled(kHostB)}, kHostB);
  node_.Report({Drive(kHostA, 0x11), UnitWithSerial(kHostA, 0x11, "naa.1", "S1")});
  node_.Report({Drive(kHostB, 0x21), UnitWithSerial(kHostB, 0x21, "naa.1", "S1")}, kHostB);
  node_.Report(
      {Gone(kHostA, 0x11), Drive(kHostA, 0x31), UnitWithSerial(kHostA, 0x31, "naa.2", "S2")});
  Baseline next;
  for (const Baseline::Changed& changed : node_.baseline.TakeChanged()) {
    if (changed.entry.has_value()) next.Restore(changed.id, *changed.entry);
  }
  next.Compare(*node_.registry.Snapshot(), {node_.now, node_.registry.revision(), {}});
  EXPECT_TRUE(next.Find(drive_)->missing == nullptr);
  ObservationBatch batch = registry::Batch({Gone(kHostB, 0x21)}, kHostB);
  node_.registry.Observe(std::move(batch));
  for (const auto& committed : node_.registry.events().Take(10)) {
    EXPECT_THAT(next.OnCommit(*committed.event, *committed.after), SizeIs(1));
  }
  EXPECT_FALSE(next.Find(drive_).has_value());
}

// The registry began with nothing, the baseline did not.
TEST_F(BaselineTest, UnseenDriveWasReplacedByTheOneInItsSlot) {
  node_.Report({Drive(kHostA, 0x11), UnitWithSerial(kHostA, 0x11, "naa.1", "S1")});
  FakeNode later;
  for (const Baseline::Changed& changed : node_.baseline.TakeChanged()) {
    later.baseline.Restore(changed.id, *changed.entry);
  }
  later.Report({HostOf(kHostA), Settled(kHostA), Drive(kHostA, 0x21),
                UnitWithSerial(kHostA, 0x21, "naa.2", "S2")});
  const auto notices = later.baseline.MissUnseen({kHostA}, *later.registry.Snapshot(),
                                                 {later.now, later.registry.revision(), {}});
  ASSERT_THAT(notices, SizeIs(1));
  EXPECT_THAT(notices[0].text, HasSubstr("drive S1 was replaced by S2"));
  EXPECT_THAT(later.Problems(), IsEmpty());
}

TEST_F(BaselineTest, DriveBesideAnotherInItsSlotDoesNotReplaceIt) {
  node_.Report({HostOf(kHostB), Settled(kHostB)}, kHostB);
  node_.Report({Drive(kHostA, 0x11), UnitWithSerial(kHostA, 0x11, "naa.1", "S1"),
                Drive(kHostA, 0x21), UnitWithSerial(kHostA, 0x21, "naa.2", "S2")});
  node_.Report({Gone(kHostA, 0x11)});
  EXPECT_THAT(node_.notices, IsEmpty());
  EXPECT_THAT(node_.Problems(), ElementsAre(HasSubstr("3 DRIVE_MISSING drive S1")));
}

TEST_F(BaselineTest, DriveThatCannotBeIdentifiedReplacesNothing) {
  node_.Report({Drive(kHostA, 0x11), UnitWithSerial(kHostA, 0x11, "naa.1", "S1")});
  node_.Report({Gone(kHostA, 0x11)});
  node_.Report({Drive(kHostA, 0x11), Unit(kHostA, 0x11, "")});
  EXPECT_THAT(node_.notices, IsEmpty());
  EXPECT_THAT(node_.Problems(), ElementsAre(HasSubstr("3 DRIVE_MISSING drive S1")));
  node_.Report({UnitWithSerial(kHostA, 0x11, "naa.1", "S1")});
  EXPECT_THAT(node_.Problems(), IsEmpty()) << "it was the same drive";
}

TEST_F(BaselineTest, DriveThatMovedOnItsHostLosesNoPath) {
  node_.Report({Drive(kHostA, 0x11), Unit(kHostA, 0x11, "naa.1")});
  node_.Report({Gone(kHostA, 0x11)});
  node_.Report({Drive(kHostA, 0x12), Unit(kHostA, 0x12, "naa.1")});
  EXPECT_THAT(node_.Problems(), IsEmpty());
  EXPECT_FALSE(node_.baseline.Find(path_).has_value());
}

TEST_F(BaselineTest, GreatestWidthOutlivesTheRegistrysMemory) {
  const auto wide = [this](int phys) {
    std::vector<Observation> facts = {ExpanderOn(kHostA)};
    for (int phy = 0; phy < 4; ++phy) {
      facts.push_back(phy < phys ? PhyTo(host_, phy, kExpander, phy, LinkRate::k12Gbps)
                                 : PhyTo(host_, phy, SasAddress(0), -1, LinkRate::kUnknown));
    }
    return facts;
  };
  node_.Report(wide(4));
  // A registry that began anew and knows nothing of the past.
  FakeNode later;
  for (const Baseline::Changed& changed : node_.baseline.TakeChanged()) {
    later.baseline.Restore(changed.id, *changed.entry);
  }
  std::vector<Observation> narrow = wide(3);
  narrow.push_back(HostOf(kHostA));
  narrow.push_back(Settled(kHostA));
  later.Report(narrow);
  EXPECT_THAT(later.Problems(),
              ElementsAre(AllOf(HasSubstr("2 NARROW_PORT"), HasSubstr("3 of 4 phys"))));
  later.baseline.Accept({}, later.now);
  EXPECT_THAT(later.Problems(), IsEmpty());
}

TEST_F(BaselineTest, PictureWithoutAnEntryMakesItMissing) {
  node_.Report({Drive(kHostA, 0x11), Unit(kHostA, 0x11, "naa.1")});
  FakeNode later;
  for (const Baseline::Changed& changed : node_.baseline.TakeChanged()) {
    later.baseline.Restore(changed.id, *changed.entry);
  }
  later.Report({HostOf(kHostA), Settled(kHostA), Drive(kHostA, 0x12), Unit(kHostA, 0x12, "naa.2")});
  later.baseline.Compare(*later.registry.Snapshot(), {later.now, 7, MakeCause({}, "compared")});
  EXPECT_THAT(later.Problems(),
              ElementsAre(AllOf(HasSubstr("3 DRIVE_MISSING"), HasSubstr("compared"))));
}

TEST_F(BaselineTest, LostBaselineIsCriticalUntilAccepted) {
  node_.baseline.SetLost();
  EXPECT_THAT(node_.Problems(), ElementsAre(HasSubstr("3 BASELINE_LOST")));
  EXPECT_EQ(node_.Status(), HealthStatus::kCritical);
  node_.baseline.Accept({}, node_.now);
  EXPECT_EQ(node_.Status(), HealthStatus::kOk);
}

TEST_F(BaselineTest, AcceptForgetsTheMissingDriveWithItsPaths) {
  node_.Report({Drive(kHostA, 0x11), Unit(kHostA, 0x11, "naa.1"), Drive(kHostA, 0x12),
                Unit(kHostA, 0x12, "naa.2")});
  node_.Report({Gone(kHostA, 0x11), Gone(kHostA, 0x12)});
  EXPECT_THAT(node_.Problems(), SizeIs(2));
  EXPECT_THAT(node_.baseline.Accept({drive_}, node_.now), SizeIs(2)) << "drive and path";
  EXPECT_THAT(node_.Problems(), ElementsAre(HasSubstr("naa.2")));
  node_.baseline.Accept({}, node_.now);
  EXPECT_THAT(node_.Problems(), IsEmpty());
}

// Dismissals.

TEST_F(BaselineTest, DismissedDriveDoesNotCountUntilItReturns) {
  node_.Report({Drive(kHostA, 0x11), Unit(kHostA, 0x11, "naa.1")});
  node_.dismissals.Add(Dismissed(drive_));
  EXPECT_EQ(node_.dismissals.HoldingAt(node_.now).size(), 1) << "in advance";
  node_.Report({Gone(kHostA, 0x11)});
  EXPECT_EQ(node_.Status(), HealthStatus::kOk);
  EXPECT_THAT(node_.Problems(), IsEmpty());
  EXPECT_THAT(node_.Examine().findings, SizeIs(2)) << "it is still reported, as dismissed";
  node_.Report({Drive(kHostA, 0x11), Unit(kHostA, 0x11, "naa.1")});
  node_.Report({Gone(kHostA, 0x11)});
  EXPECT_EQ(node_.Status(), HealthStatus::kCritical) << "it had come back";
}

TEST_F(BaselineTest, DismissalEndsWhenItsTimeIsOver) {
  node_.Report({Drive(kHostA, 0x11), Unit(kHostA, 0x11, "naa.1")});
  Dismissal dismissal = Dismissed(drive_);
  dismissal.expire_time = node_.now + absl::Hours(2);
  node_.dismissals.Add(dismissal);
  node_.Report({Gone(kHostA, 0x11)});
  node_.Report({Drive(kHostA, 0x11), Unit(kHostA, 0x11, "naa.1")});
  node_.Report({Gone(kHostA, 0x11)});
  EXPECT_EQ(node_.Status(), HealthStatus::kOk) << "two hours of work";
  node_.now += absl::Hours(2);
  EXPECT_EQ(node_.Status(), HealthStatus::kCritical);
}

TEST_F(BaselineTest, DismissedHostCoversAllUnderIt) {
  node_.Report({HostOf(kHostB), Settled(kHostB)}, kHostB);
  node_.Report({Drive(kHostA, 0x11), Unit(kHostA, 0x11, "naa.1")});
  node_.Report({Drive(kHostB, 0x12), Unit(kHostB, 0x12, "naa.1"), Drive(kHostB, 0x13),
                Unit(kHostB, 0x13, "naa.3")},
               kHostB);
  node_.dismissals.Add(Dismissed(MakeId<registry::Host>(kHostA)));
  node_.Report({HostGone{kHostA}});
  EXPECT_EQ(node_.Status(), HealthStatus::kOk);
  node_.Report({Gone(kHostB, 0x13)}, kHostB);
  EXPECT_EQ(node_.Status(), HealthStatus::kCritical) << "another host's drive";
  node_.dismissals.Remove(MakeId<registry::Host>(kHostA));
  EXPECT_THAT(node_.Problems(), SizeIs(2));
}

TEST_F(BaselineTest, DismissedEnclosureCoversItsDrives) {
  node_.Report({Drive(kHostA, 0x11), Unit(kHostA, 0x11, "naa.1")});
  node_.dismissals.Add(Dismissed(MakeId<registry::Enclosure>(kEnclosure)));
  node_.Report({Gone(kHostA, 0x11)});
  EXPECT_EQ(node_.Status(), HealthStatus::kOk);
}

// Drives with two actuators: one end device, two units.

class TwoActuatorsTest : public BaselineTest {
 protected:
  static std::vector<Observation> TwoUnits(HostKey host, uint64_t address, const std::string& wwid,
                                           const std::string& serial) {
    LogicalUnitFacts second = UnitWithSerial(host, address, wwid + ".1", serial);
    second.lun = uint64_t{1} << 48;
    return {Drive(host, address), UnitWithSerial(host, address, wwid, serial), second};
  }
};

TEST_F(TwoActuatorsTest, PulledDriveIsOneFinding) {
  node_.Report(TwoUnits(kHostA, 0x11, "naa.1", "S1"));
  EXPECT_THAT(node_.Problems(), IsEmpty());
  node_.Report({Gone(kHostA, 0x11)});
  EXPECT_THAT(node_.Problems(), ElementsAre(HasSubstr("3 DRIVE_MISSING drive S1")));
  EXPECT_THAT(node_.Consequences(), UnorderedElementsAre("DRIVE_MISSING by DRIVE_MISSING",
                                                         "PATH_MISSING by DRIVE_MISSING"));
  EXPECT_THAT(node_.baseline.Accept({drive_}, node_.now), SizeIs(3));
  EXPECT_THAT(node_.Problems(), IsEmpty());
}

TEST_F(TwoActuatorsTest, LostPathIsOneFinding) {
  node_.Report({HostOf(kHostB), Settled(kHostB)}, kHostB);
  node_.Report(TwoUnits(kHostA, 0x11, "naa.1", "S1"));
  node_.Report(TwoUnits(kHostB, 0x21, "naa.1", "S1"), kHostB);
  node_.Report({Gone(kHostA, 0x11)});
  EXPECT_THAT(node_.Problems(), ElementsAre(HasSubstr("2 PATH_MISSING")));
  node_.Report({Gone(kHostB, 0x21)}, kHostB);
  EXPECT_THAT(node_.Problems(), ElementsAre(HasSubstr("3 DRIVE_MISSING drive S1")));
}

TEST_F(TwoActuatorsTest, ExpanderLosesDrivesAndNotUnits) {
  std::vector<Observation> facts = TwoUnits(kHostA, 0x11, "naa.1", "S1");
  std::get<EndDeviceFacts>(facts[0]).parent = {kHostA, kExpander, PhysicalPort(0)};
  node_.Report({ExpanderOn(kHostA)});
  node_.Report(facts);
  node_.Report({Gone(kHostA, 0x11), ExpanderGone{{kHostA, kExpander, PhysicalPort(0)}}});
  EXPECT_THAT(node_.Problems(), ElementsAre(AllOf(HasSubstr("3 EXPANDER_MISSING"),
                                                  HasSubstr("1 drive lost a path, 1 lost all"))));
}

TEST_F(TwoActuatorsTest, UnitThatReturnsFirstReplacesNothing) {
  const std::vector<Observation> facts = TwoUnits(kHostA, 0x11, "naa.1", "S1");
  node_.Report(facts);
  node_.Report({Gone(kHostA, 0x11)});
  node_.Report({facts[0], Unit(kHostA, 0x11, "")});
  node_.Report({facts[1]});
  EXPECT_THAT(node_.Problems(), ElementsAre(HasSubstr("3 DRIVE_MISSING"))) << "the second unit";
  node_.Report({facts[2]});
  EXPECT_THAT(node_.notices, IsEmpty());
  EXPECT_THAT(node_.Problems(), IsEmpty());
}

TEST_F(TwoActuatorsTest, LostUnitIsNotReplacedByTheOther) {
  for (const uint64_t lun : {uint64_t{0}, uint64_t{1} << 48}) {
    FakeNode node;
    node.Report({HostOf(kHostA), Settled(kHostA)});
    node.Report(TwoUnits(kHostA, 0x11, "naa.1", "S1"));
    node.Report({LogicalUnitGone{{kHostA, SasAddress(0x11), PhysicalPort(0)}, lun}});
    EXPECT_THAT(node.notices, IsEmpty());
    EXPECT_THAT(node.Problems(), ElementsAre(HasSubstr("3 DRIVE_MISSING")));
  }
}

TEST_F(TwoActuatorsTest, ReplacedDriveIsAnnouncedOnce) {
  node_.Report(TwoUnits(kHostA, 0x11, "naa.1", "S1"));
  node_.Report({Gone(kHostA, 0x11)});
  node_.Report(TwoUnits(kHostA, 0x21, "naa.2", "S2"));
  EXPECT_THAT(node_.notices, ElementsAre(HasSubstr("drive S1 was replaced by S2")));
  EXPECT_THAT(node_.Problems(), IsEmpty());
}

}  // namespace
}  // namespace sasd::health
