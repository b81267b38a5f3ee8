#include "daemon/service/convert_scsi_hosts.h"

#include "daemon/registry/fake_pump.h"
#include "driver/observation/observation.h"
#include "gtest/gtest.h"

namespace sasd::service {
namespace {

class ConvertScsiHostsTest : public ::testing::Test {
 protected:
  ConvertScsiHostsTest() {
    HostFacts facts;
    facts.key = HostKey(SasAddress(0x500605b00ab01230));
    facts.os_name = "host10";
    ObservationBatch batch;
    batch.source = Source::kSysfs;
    batch.host = facts.key;
    batch.observations = {facts};
    registry_.Observe(std::move(batch));
  }

  sas::v1::ListScsiHostsResponse Convert(const ScsiHosts& hosts) {
    return ToProto(hosts, *registry_.Snapshot());
  }

  registry::SelfPublishingRegistry registry_{registry::Registry::Options{"00000000000000aa", 0}};
};

TEST_F(ConvertScsiHostsTest, SasHostIsNamedAndItsVolumeIsWhole) {
  ScsiHosts hosts;
  hosts.hosts.resize(1);
  ScsiHost& host = hosts.hosts[0];
  host.os_name = "host10";
  host.driver_name = "mpt3sas";
  host.pci_address = "0000:02:00.0";
  host.has_sas_transport = true;
  host.devices.resize(1);
  host.devices[0].facts.scsi_address = "10:1:0:0";
  host.devices[0].facts.block_device = "sda";
  host.devices[0].facts.wwid = "naa.600508b1001c0a0b0c0d0e0f10111213";
  host.devices[0].facts.size_bytes = 4096;
  host.devices[0].facts.holders = {{HolderKind::kMdRaid, "md127", "md127"}};
  host.devices[0].raid_level = "RAID 1";
  const auto response = Convert(hosts);
  ASSERT_EQ(response.scsi_hosts_size(), 1);
  EXPECT_EQ(response.scsi_hosts(0).name(), "scsiHosts/host10");
  EXPECT_EQ(response.scsi_hosts(0).host(), "hosts/500605b00ab01230");
  EXPECT_EQ(response.scsi_hosts(0).device_count(), 1);
  const sas::v1::ScsiDevice& device = response.scsi_hosts(0).devices(0);
  EXPECT_EQ(device.scsi_address(), "10:1:0:0");
  EXPECT_EQ(device.block_device(), "sda");
  EXPECT_EQ(device.size_bytes(), 4096u);
  EXPECT_EQ(device.raid_level(), "RAID 1");
  EXPECT_EQ(device.holders(0).name(), "md127");
  EXPECT_EQ(device.holders(0).kind(), sas::v1::HOLDER_KIND_MD_RAID);
}

TEST_F(ConvertScsiHostsTest, HostWithoutTransportHasNoNameInTheTopology) {
  ScsiHosts hosts;
  hosts.hosts.resize(1);
  hosts.hosts[0].os_name = "host10";  // the same name as a SAS host had before
  EXPECT_EQ(Convert(hosts).scsi_hosts(0).host(), "");
}

TEST_F(ConvertScsiHostsTest, DevicesAreBoundedAndCounted) {
  ScsiHosts hosts;
  hosts.hosts.resize(2);
  hosts.hosts[0].devices.resize(4000);
  hosts.hosts[1].devices.resize(1000);
  const auto response = Convert(hosts);
  EXPECT_EQ(response.scsi_hosts(0).devices_size(), 4000);
  EXPECT_EQ(response.scsi_hosts(1).devices_size(), 96);
  EXPECT_EQ(response.scsi_hosts(1).device_count(), 1000);
}

}  // namespace
}  // namespace sasd::service
