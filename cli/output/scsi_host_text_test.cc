#include "cli/output/scsi_host_text.h"

#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace sasd::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

sas::v1::ScsiHost Parse(const std::string& text) {
  sas::v1::ScsiHost host;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &host)) << text;
  return host;
}

TEST(ScsiHostTextTest, HostWithoutTransportSaysSo) {
  sas::v1::ScsiHost host = Parse("os_name: 'host1' driver_name: 'megaraid_sas'");
  for (int i = 0; i < 12; ++i) host.add_devices()->set_scsi_address("1:2:0:0");
  host.set_device_count(12);
  EXPECT_THAT(
      ScsiHostText(host),
      StartsWith("host1  megaraid_sas  SCSI host without SAS transport: 12 disks, no topology\n"));
}

TEST(ScsiHostTextTest, VolumesStandBeneathTheirSasHost) {
  const sas::v1::ScsiHost host = Parse(
      "os_name: 'host10' driver_name: 'mpt3sas' host: 'hosts/500605b00ab01230' device_count: 1 "
      "devices { scsi_address: '10:1:0:0' block_device: 'sda' vendor: 'LSI' "
      "model: 'Logical Volume' raid_level: 'RAID 1' size_bytes: 1000000000000 }");
  EXPECT_THAT(ScsiHostText(host), HasSubstr("1 disk that is no SAS object\n"));
  EXPECT_THAT(ScsiHostText(host),
              HasSubstr("  10:1:0:0  sda  disk  1.0TB  LSI Logical Volume  RAID 1\n"));
}

TEST(ScsiHostTextTest, CountCoversDevicesThatAreNotListed) {
  const sas::v1::ScsiHost host = Parse("os_name: 'host1' device_count: 5000 devices {}");
  EXPECT_THAT(ScsiHostText(host), HasSubstr("5000 devices"));
}

TEST(ScsiHostTextTest, DeviceIsFoundByItsNamesOnly) {
  const sas::v1::ScsiHost host =
      Parse("devices { scsi_address: '10:1:0:0' block_device: 'sda' generic_device: 'sg0' }");
  EXPECT_TRUE(IsCalled(host.devices(0), "sda"));
  EXPECT_TRUE(IsCalled(host.devices(0), "10:1:0:0"));
  EXPECT_TRUE(IsCalled(host.devices(0), "sg0"));
  EXPECT_FALSE(IsCalled(host.devices(0), "sd"));
  EXPECT_FALSE(IsCalled(host.devices(0), "")) << "as the serial that it lacks";
}

}  // namespace
}  // namespace sasd::cli
