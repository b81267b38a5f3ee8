#include "daemon/health/baseline.h"

#include <string>
#include <utility>
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

}  // namespace
}  // namespace sasd::health
