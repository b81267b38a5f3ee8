#include "daemon/diagnosis/scsi_host_check.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd {
namespace {

using Status = DiagnosisCheck::Status;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

ScsiHost HostOf(const std::string& name, const std::string& driver, size_t disks) {
  ScsiHost host;
  host.os_name = name;
  host.driver_name = driver;
  host.devices.resize(disks);
  return host;
}

TEST(ScsiHostCheckTest, NothingBesideMeansNoCheck) {
  EXPECT_THAT(CheckScsiHosts(ScsiHosts()), IsEmpty());
}

TEST(ScsiHostCheckTest, HostWithoutTransportIsWhatItIs) {
  ScsiHosts hosts;
  hosts.hosts = {HostOf("host1", "megaraid_sas", 12)};
  const auto checks = CheckScsiHosts(hosts);
  ASSERT_EQ(checks.size(), 1u);
  EXPECT_EQ(checks[0].reason, "NO_SAS_TRANSPORT");
  EXPECT_EQ(checks[0].subject, "host1");
  EXPECT_THAT(checks[0].message,
              HasSubstr("SCSI host without SAS transport (megaraid_sas): 12 disks, no topology"));
}

TEST(ScsiHostCheckTest, OtherHardwareIsNotMentioned) {
  ScsiHosts hosts;
  hosts.hosts = {HostOf("host1", "ahci", 1), HostOf("host2", "virtio_scsi", 2)};
  EXPECT_THAT(CheckScsiHosts(hosts), IsEmpty());
}

TEST(ScsiHostCheckTest, VolumesOfASasHostAreNamed) {
  ScsiHosts hosts;
  hosts.hosts = {HostOf("host10", "mpt3sas", 1)};
  hosts.hosts[0].has_sas_transport = true;
  LogicalUnitFacts& facts = hosts.hosts[0].devices[0].facts;
  facts.block_device = "sda";
  facts.scsi_address = "10:1:0:0";
  facts.vendor = "LSI";
  facts.model = "Logical Volume";
  const auto checks = CheckScsiHosts(hosts);
  ASSERT_EQ(checks.size(), 1u);
  EXPECT_EQ(checks[0].reason, "NO_SAS_OBJECT");
  EXPECT_EQ(checks[0].status, Status::kLimited);
  EXPECT_THAT(checks[0].message, HasSubstr("1 disk of this host hangs at no SAS object"));
  EXPECT_THAT(checks[0].message, HasSubstr("sda (10:1:0:0, LSI Logical Volume)"));
}

TEST(ScsiHostCheckTest, ControllerItselfIsNoLoss) {
  ScsiHosts hosts;
  hosts.hosts = {HostOf("host1", "hpsa", 2)};
  hosts.hosts[0].has_sas_transport = true;
  hosts.hosts[0].devices[0].facts.peripheral_type = 0x0c;
  EXPECT_THAT(CheckScsiHosts(hosts)[0].message, HasSubstr("1 disk of this host hangs"));
  hosts.hosts[0].devices.pop_back();
  EXPECT_THAT(CheckScsiHosts(hosts), IsEmpty());
}

TEST(ScsiHostCheckTest, LongListsEndWithACount) {
  ScsiHosts hosts;
  hosts.hosts = {HostOf("host10", "hpsa", 7)};
  hosts.hosts[0].has_sas_transport = true;
  EXPECT_THAT(CheckScsiHosts(hosts)[0].message, HasSubstr("and 3 more"));
}

TEST(ScsiHostCheckTest, UnreadableHostIsBrokenWithPathAndReason) {
  ScsiHosts hosts;
  hosts.unreadable = {{"host3", "class/sas_host/host3", "its link \"x\" leads nowhere"}};
  const auto checks = CheckScsiHosts(hosts);
  ASSERT_EQ(checks.size(), 1u);
  EXPECT_EQ(checks[0].status, Status::kBroken);
  EXPECT_EQ(checks[0].reason, "HOST_UNREADABLE");
  EXPECT_THAT(checks[0].message, HasSubstr("class/sas_host/host3"));
  EXPECT_THAT(checks[0].message, HasSubstr("leads nowhere"));
}

}  // namespace
}  // namespace sasd
