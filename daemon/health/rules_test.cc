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
using registry::kExpander;
using registry::kHostA;
using registry::kHostB;
using registry::PhyTo;
using registry::Settled;
using registry::Unit;

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
