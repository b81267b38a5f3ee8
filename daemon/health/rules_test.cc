#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
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
using registry::kExpander;
using registry::kHostA;
using registry::kHostB;
using registry::PhyTo;
using registry::Settled;
using registry::Unit;

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// Reports facts to a registry as a driver does.
class HealthTest : public ::testing::Test {
 protected:
  HealthTest() { Report({HostOf(kHostA), Settled(kHostA)}); }

  void Report(std::vector<Observation> observations, HostKey host = kHostA) {
    node_.Report(std::move(observations), host);
  }
  void SysfsReports(std::vector<Observation> observations) {
    node_.Report(std::move(observations), kHostA, Source::kSysfs);
  }
  std::vector<std::string> Problems() { return node_.Problems(); }

  FakeNode node_;
  absl::Time& now_ = node_.now;
  const NodeKey host_ = NodeKey::Host(kHostA);
  const NodeKey expander_{kHostA, kExpander, PhysicalPort(0)};
};

TEST_F(HealthTest, HealthyHostHasNoFindings) { EXPECT_THAT(Problems(), IsEmpty()); }

// The expander at `port`, with one drive.
std::vector<Observation> ExpanderWithDrive(uint8_t port, uint64_t drive, const std::string& wwid) {
  ExpanderFacts expander = ExpanderOn(kHostA);
  expander.key.port = PhysicalPort(port);
  EndDeviceFacts device = Drive(kHostA, drive);
  device.parent = expander.key;
  return {expander, device, Unit(kHostA, drive, wwid)};
}

TEST_F(HealthTest, ExpandersOfOneAddressWithDifferentDrivesShareIt) {
  Report(ExpanderWithDrive(0, 0x11, "naa.1"));
  Report(ExpanderWithDrive(1, 0x12, "naa.2"));
  EXPECT_THAT(Problems(), Contains(HasSubstr("SHARED_IDENTIFIER")));
  Report({EndDeviceGone{{kHostA, SasAddress(0x12), PhysicalPort(0)}}});
  EXPECT_THAT(Problems(), Not(Contains(HasSubstr("SHARED_IDENTIFIER")))) << "not known";
}

TEST_F(HealthTest, OneExpanderOnTwoPortsIsLegal) {
  Report(ExpanderWithDrive(0, 0x11, "naa.1"));
  Report(ExpanderWithDrive(1, 0x21, "naa.1"));
  EXPECT_THAT(Problems(), Not(Contains(HasSubstr("SHARED_IDENTIFIER"))));
}

TEST_F(HealthTest, HostsOfOneAddressShareIt) {
  const HostKey second(kHostA.address, HostLocation::OfPci("0000:82:00.0"));
  Report({HostOf(second), Settled(second)}, second);
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("2 SHARED_IDENTIFIER")));
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("PCI address 0000:82:00.0")));
  Report({HostGone{second}}, second);
  EXPECT_THAT(Problems(), Not(Contains(HasSubstr("SHARED_IDENTIFIER"))));
}

TEST_F(HealthTest, WidePortThatLostAPhyIsNarrow) {
  Report({ExpanderOn(kHostA), PhyTo(host_, 0, kExpander, 0, LinkRate::k12Gbps),
          PhyTo(host_, 1, kExpander, 1, LinkRate::k12Gbps),
          PhyTo(expander_, 0, kHostA.address, 0, LinkRate::k12Gbps),
          PhyTo(expander_, 1, kHostA.address, 1, LinkRate::k12Gbps)});
  EXPECT_THAT(Problems(), IsEmpty());
  Report({PhyTo(host_, 1, SasAddress(0), -1, LinkRate::kDisabled),
          PhyTo(expander_, 1, SasAddress(0), -1, LinkRate::kUnknown)});
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("2 NARROW_PORT"))) << "once, not from both ends";
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("1 of 2 phys")));
  Report({PhyTo(host_, 1, kExpander, 1, LinkRate::k12Gbps),
          PhyTo(expander_, 1, kHostA.address, 1, LinkRate::k12Gbps)});
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(HealthTest, LinkSlowerThanBothEndsSupportIsSlow) {
  Report({ExpanderOn(kHostA), PhyTo(host_, 0, kExpander, 0, LinkRate::k6Gbps),
          PhyTo(expander_, 0, kHostA.address, 0, LinkRate::k6Gbps)});
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("2 SLOW_LINK")));
}

TEST_F(HealthTest, LinkAsFastAsItsSlowerEndIsFine) {
  Report({ExpanderOn(kHostA), PhyTo(host_, 0, kExpander, 0, LinkRate::k6Gbps),
          PhyTo(expander_, 0, kHostA.address, 0, LinkRate::k6Gbps, LinkRate::k6Gbps)});
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(HealthTest, SataDriveIsNotSlowerThanSasWas) {
  EndDeviceFacts sata = Drive(kHostA, 0x11);
  sata.protocols.target = Protocols::kSata;
  Report({sata, PhyTo(host_, 0, SasAddress(0x11), -1, LinkRate::k12Gbps)});
  Report({PhyTo(host_, 0, SasAddress(0x11), -1, LinkRate::k6Gbps)});
  EXPECT_THAT(Problems(), IsEmpty()) << "as fast as SATA can be";
  Report({PhyTo(host_, 0, SasAddress(0x11), -1, LinkRate::k3Gbps)});
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("it ran at 12 Gbps (a SATA drive)")));
}

PhyFacts Limited(PhyFacts phy, LinkRate limit) {
  phy.programmed_max = limit;
  return phy;
}

TEST_F(HealthTest, ThrottledExpanderIsOneFindingForItsDrives) {
  std::vector<Observation> facts = {ExpanderOn(kHostA)};
  for (uint64_t i = 0; i < 3; ++i) {
    EndDeviceFacts drive = Drive(kHostA, 0x10 + i);
    drive.parent = expander_;
    facts.push_back(drive);
    facts.push_back(
        Limited(PhyTo(expander_, static_cast<int>(i), SasAddress(0x10 + i), -1, LinkRate::k3Gbps),
                LinkRate::k3Gbps));
  }
  Report(facts);
  EXPECT_THAT(Problems(),
              ElementsAre(AllOf(HasSubstr("2 SLOW_LINK expander"),
                                HasSubstr("keeps the links to 3 end devices at 3 Gbps"))));
  const auto report = node_.Examine();
  EXPECT_EQ(report.findings[0].affected.size(), 4u) << "the expander and three ports";
}

TEST_F(HealthTest, OneThrottledDriveIsItsPorts) {
  Report({Drive(kHostA, 0x11),
          Limited(PhyTo(host_, 0, SasAddress(0x11), -1, LinkRate::k6Gbps), LinkRate::k6Gbps)});
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("the programmed maximum of its phy")));
}

TEST_F(HealthTest, FullSataRateUnderALimitIsFine) {
  EndDeviceFacts sata = Drive(kHostA, 0x11);
  sata.protocols.target = Protocols::kSata;
  Report(
      {sata, Limited(PhyTo(host_, 0, SasAddress(0x11), -1, LinkRate::k6Gbps), LinkRate::k6Gbps)});
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(HealthTest, DriveSlowerThanItsNeighboursIsSlow) {
  const auto report = [&](uint64_t number, LinkRate rate, const std::string& model) {
    LogicalUnitFacts unit =
        Unit(kHostA, 0x10 + number, absl::StrCat("naa.500000000000000", number));
    unit.vendor = "SEAGATE";
    unit.model = model;
    Report({Drive(kHostA, 0x10 + number), unit,
            PhyTo(host_, static_cast<int>(number), SasAddress(0x10 + number), -1, rate)});
  };
  report(0, LinkRate::k12Gbps, "ST8000");
  report(1, LinkRate::k6Gbps, "ST8000");
  EXPECT_THAT(Problems(), IsEmpty()) << "one against one";
  report(2, LinkRate::k6Gbps, "OLDER");
  report(3, LinkRate::k12Gbps, "ST8000");
  EXPECT_THAT(Problems(), ElementsAre(AllOf(HasSubstr("2 SLOW_LINK"),
                                            HasSubstr("port to 0000000000000011 of host"),
                                            HasSubstr("2 other drives of its model (ST8000)"))));
}

class LinkWithoutDeviceTest : public HealthTest {
 protected:
  void Link(const std::string& driver, PhyFacts phy) {
    HostFacts host = HostOf(kHostA);
    host.driver_name = driver;
    Report({host, ExpanderOn(kHostA), std::move(phy)});
  }
  const PhyFacts linked_ = PhyTo(expander_, 3, SasAddress(0), -1, LinkRate::k6Gbps);
};

TEST_F(LinkWithoutDeviceTest, LinkToNothingIsAFindingAfterTheGrace) {
  Link("hisi_sas_v2_hw", linked_);
  EXPECT_THAT(Problems(), IsEmpty());
  now_ += absl::Minutes(1);
  EXPECT_THAT(Problems(), ElementsAre(AllOf(HasSubstr("2 LINK_WITHOUT_DEVICE phy 3 of expander"),
                                            HasSubstr("at 6 Gbps"))));
  Report({PhyTo(expander_, 3, SasAddress(0x11), -1, LinkRate::k6Gbps)});
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(LinkWithoutDeviceTest, VirtualAndUnlinkedPhysAreFine) {
  PhyFacts virtual_phy = linked_;
  virtual_phy.is_virtual = true;
  Link("pm80xx", virtual_phy);
  Report({PhyTo(expander_, 4, SasAddress(0), -1, LinkRate::kDisabled)});
  now_ += absl::Minutes(1);
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(LinkWithoutDeviceTest, FirmwareThatSeesNothingIsAFindingAfterTheGrace) {
  PhyFacts phy = linked_;
  phy.nothing_attached = true;
  Link("mpt3sas", phy);
  EXPECT_THAT(Problems(), IsEmpty());
  now_ += absl::Minutes(1);
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("2 LINK_WITHOUT_DEVICE phy 3 of expander")));
  phy.is_virtual = true;
  Report({phy});
  EXPECT_THAT(Problems(), IsEmpty()) << "a virtual phy has no cable";
  phy.is_virtual = false;
  phy.attached = SasAddress(kHostA.address);
  phy.nothing_attached = false;
  Report({phy});
  EXPECT_THAT(Problems(), IsEmpty()) << "it leads up";
}

TEST_F(LinkWithoutDeviceTest, LinkOfTheHostItselfToNothingIsOne) {
  PhyFacts phy = PhyTo(host_, 3, SasAddress(0), -1, LinkRate::k6Gbps);
  phy.nothing_attached = true;
  Link("mpt3sas", phy);
  EXPECT_THAT(Problems(), IsEmpty());
  now_ += absl::Minutes(1);
  EXPECT_THAT(Problems(), ElementsAre(AllOf(HasSubstr("2 LINK_WITHOUT_DEVICE phy 3 of host"),
                                            HasSubstr("the HBA could not discover"))));
  Link("hisi_sas_v3_hw", PhyTo(host_, 3, SasAddress(0), -1, LinkRate::k6Gbps));
  now_ += absl::Minutes(1);
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("the kernel could not discover")));
}

// A pulled drive's phy keeps its rate.
TEST_F(LinkWithoutDeviceTest, Mpt3sasProvesNothing) {
  Link("mpt3sas", linked_);
  now_ += absl::Minutes(1);
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(HealthTest, LinkSlowerThanBeforeIsSlow) {
  Report({Drive(kHostA, 0x11, DeviceState::kAttached),
          PhyTo(host_, 0, SasAddress(0x11), -1, LinkRate::k12Gbps)});
  EXPECT_THAT(Problems(), IsEmpty());
  Report({PhyTo(host_, 0, SasAddress(0x11), -1, LinkRate::k3Gbps)});
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("2 SLOW_LINK")));
}

TEST_F(HealthTest, DriveThatLostAPathIsSinglePath) {
  Report({HostOf(kHostB), Settled(kHostB)}, kHostB);
  Report({Drive(kHostA, 0x11, DeviceState::kAttached), Unit(kHostA, 0x11, "naa.1")});
  Report({Drive(kHostB, 0x12, DeviceState::kAttached), Unit(kHostB, 0x12, "naa.1")}, kHostB);
  EXPECT_THAT(Problems(), IsEmpty());
  Report({EndDeviceGone{{kHostB, SasAddress(0x12), PhysicalPort(0)}}}, kHostB);
  ASSERT_THAT(Problems(), ElementsAre(HasSubstr("2 PATH_MISSING")));
  EXPECT_THAT(node_.Consequences(), ElementsAre("SINGLE_PATH by PATH_MISSING"));
}

TEST_F(HealthTest, SinglePathDriveAmongDualPathDrivesIsReported) {
  Report({HostOf(kHostB), Settled(kHostB)}, kHostB);
  Report({Drive(kHostA, 0x11, DeviceState::kAttached), Unit(kHostA, 0x11, "naa.1"),
          Drive(kHostA, 0x13, DeviceState::kAttached), Unit(kHostA, 0x13, "naa.3")});
  EXPECT_THAT(Problems(), IsEmpty()) << "no drive has two";
  Report({Drive(kHostB, 0x12, DeviceState::kAttached), Unit(kHostB, 0x12, "naa.1")}, kHostB);
  ASSERT_THAT(Problems(), ElementsAre(HasSubstr("naa.3")));
  EXPECT_THAT(Problems()[0], HasSubstr("have two, none over host 000000000000000b"));
}

TEST_F(HealthTest, SataDriveNeedsOnlyOnePath) {
  EndDeviceFacts sata = Drive(kHostA, 0x13, DeviceState::kAttached);
  sata.protocols.target = Protocols::kSata;
  Report({HostOf(kHostB), Settled(kHostB)}, kHostB);
  Report({Drive(kHostA, 0x11, DeviceState::kAttached), Unit(kHostA, 0x11, "naa.1"), sata,
          Unit(kHostA, 0x13, "naa.3")});
  Report({Drive(kHostB, 0x12, DeviceState::kAttached), Unit(kHostB, 0x12, "naa.1")}, kHostB);
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(HealthTest, BlockedDeviceWarnsAndFailedDeviceIsCritical) {
  EndDeviceFacts failed = Drive(kHostA, 0x12, DeviceState::kFailed);
  failed.failure = "SATA initialization failed";
  Report({Drive(kHostA, 0x11, DeviceState::kBlocked), failed});
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("3 DEVICE_FAILED"), HasSubstr("2 DEVICE_BLOCKED")))
      << "the most severe first";
  EXPECT_THAT(Problems()[0], HasSubstr("SATA initialization failed"));
}

TEST_F(HealthTest, FailedDiscoveryIsCritical) {
  DiscoveryFacts facts = Settled(kHostA);
  facts.status = 0x10;
  facts.status_text = "SMP timeout";
  Report({facts});
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("2 DISCOVERY_ERROR")));
  facts.state = DiscoveryState::kFailed;
  Report({facts});
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("3 DISCOVERY_ERROR")));
}

TEST_F(HealthTest, RecoveringHostIsAWarning) {
  DiscoveryFacts facts = Settled(kHostA);
  facts.state = DiscoveryState::kRecovering;
  Report({facts});
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("2 HOST_RECOVERING")));
}

// Two sources.

TEST_F(HealthTest, DeviceUnknownToTheKernelIsReportedAfter30Seconds) {
  SysfsReports({HostOf(kHostA), Settled(kHostA)});
  Report({Drive(kHostA, 0x11, DeviceState::kDiscovered)});
  now_ += absl::Seconds(30);
  EXPECT_THAT(Problems(), IsEmpty());
  now_ += absl::Seconds(5);
  ASSERT_THAT(Problems(), ElementsAre(HasSubstr("2 NOT_ATTACHED")));
  EXPECT_THAT(Problems()[0], HasSubstr("for 35s: the kernel's log"));
  // The end device came, but no SCSI device with it: the time counts anew.
  EndDeviceFacts childless = Drive(kHostA, 0x11, DeviceState::kDiscovered);
  childless.os_name = "end_device-5:0:1";
  SysfsReports({childless});
  EXPECT_THAT(Problems(), IsEmpty());
  now_ += absl::Seconds(31);
  ASSERT_THAT(Problems(), ElementsAre(HasSubstr("end_device-5:0:1 has no SCSI device")));
  SysfsReports({Drive(kHostA, 0x11)});
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(HealthTest, DeviceUnknownToTheFirmwareIsReportedAfter30Seconds) {
  SysfsReports({HostOf(kHostA), Settled(kHostA), Drive(kHostA, 0x11)});
  EXPECT_THAT(Problems(), IsEmpty());
  now_ += absl::Seconds(31);
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("2 UNKNOWN_TO_FIRMWARE")));
  // One that the firmware has lost, too.
  Report({Drive(kHostA, 0x11, DeviceState::kDiscovered)});
  EXPECT_THAT(Problems(), IsEmpty());
  Report({EndDeviceGone{{kHostA, SasAddress(0x11), PhysicalPort(0)}}});
  EXPECT_THAT(Problems(), IsEmpty());
  now_ += absl::Seconds(31);
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("2 UNKNOWN_TO_FIRMWARE")));
  Report({HostGone{kHostA}});  // without a control node, only sysfs reports
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(HealthTest, SingleSourceMakesNoUnknownDevices) {
  Report({Drive(kHostA, 0x11, DeviceState::kDiscovered)});
  now_ += absl::Hours(1);
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(HealthTest, ContradictingSlotsAreReported) {
  SysfsReports({HostOf(kHostA), Settled(kHostA)});
  EndDeviceFacts drive = Drive(kHostA, 0x11);  // in slot 1
  drive.ses_slot = 1;
  Report({Drive(kHostA, 0x11)});
  SysfsReports({drive});
  EXPECT_THAT(Problems(), IsEmpty());
  drive.ses_slot = 2;
  SysfsReports({drive});
  ASSERT_THAT(Problems(), ElementsAre(HasSubstr("2 SLOT_CONTRADICTION")));
  EXPECT_THAT(Problems()[0], HasSubstr("slot 1 as the firmware has it, 1 as the kernel has it, "
                                       "2 as the enclosure has it"));
  drive.ses_slot.reset();
  drive.slot = 5;
  SysfsReports({drive});
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("5 as the kernel has it")));
  // A number of another enclosure is no contradiction.
  drive.enclosure = EnclosureKey(0x78);
  SysfsReports({drive});
  EXPECT_THAT(Problems(), IsEmpty());
}

}  // namespace
}  // namespace sasd::health
