#include "cli/output/format.h"

#include <stdlib.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "sas/v1/events.pb.h"

namespace sasd::cli {
namespace {

template <typename T>
T Parse(const std::string& text) {
  T message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

google::protobuf::Timestamp At(int64_t seconds, int32_t nanos) {
  google::protobuf::Timestamp time;
  time.set_seconds(seconds);
  time.set_nanos(nanos);
  return time;
}

TEST(FormatTest, ALinkRateIsASpeedOrAWord) {
  EXPECT_EQ(ShortRate(sas::v1::LINK_RATE_1_5_GBPS), "1.5G");
  EXPECT_EQ(ShortRate(sas::v1::LINK_RATE_3_GBPS), "3G");
  EXPECT_EQ(ShortRate(sas::v1::LINK_RATE_6_GBPS), "6G");
  EXPECT_EQ(ShortRate(sas::v1::LINK_RATE_12_GBPS), "12G");
  EXPECT_EQ(ShortRate(sas::v1::LINK_RATE_22_5_GBPS), "22.5G");
  EXPECT_EQ(ShortRate(sas::v1::LINK_RATE_DISABLED), "disabled");
  EXPECT_EQ(ShortRate(sas::v1::LINK_RATE_SATA_SPINUP_HOLD), "sata-spinup-hold");
  EXPECT_EQ(ShortRate(sas::v1::LINK_RATE_UNSPECIFIED), "");
}

TEST(FormatTest, AnEnumLosesItsPrefix) {
  EXPECT_EQ(EnumText(sas::v1::DEVICE_STATE_ATTACHED), "attached");
  EXPECT_EQ(EnumText(sas::v1::DISCOVERY_STATE_IN_PROGRESS), "in-progress");
  EXPECT_EQ(EnumText(sas::v1::LINK_RATE_12_GBPS), "12-gbps");
  EXPECT_EQ(EnumText(sas::v1::PROTOCOL_SSP), "ssp");
  EXPECT_EQ(EnumText(sas::v1::SEVERITY_UNSPECIFIED), "");
}

TEST(FormatTest, AnUnknownEnumValueIsANumber) {
  EXPECT_EQ(EnumText(static_cast<sas::v1::DeviceState>(77)), "77");
  EXPECT_EQ(ShortRate(static_cast<sas::v1::LinkRate>(13)), "13");
}

TEST(FormatTest, ASizeIsDecimalWithOneDigit) {
  struct Case {
    uint64_t bytes;
    const char* text;
  };
  for (const Case& c : std::vector<Case>{{0, ""},
                                         {1, "1B"},
                                         {999, "999B"},
                                         {1000, "1.0kB"},
                                         {1049, "1.0kB"},
                                         {999'949, "999.9kB"},
                                         {999'950, "1.0MB"},  // not 1000.0kB
                                         {480'103'981'056, "480.1GB"},
                                         {8'001'563'222'016, "8.0TB"},
                                         {22'000'969'973'760, "22.0TB"},
                                         {1'000'000'000'000'000, "1.0PB"},
                                         {std::numeric_limits<uint64_t>::max(), "18.4EB"}}) {
    EXPECT_EQ(ShortSize(c.bytes), c.text) << c.bytes;
  }
}

TEST(FormatTest, AnUnnamedPeripheralTypeIsANumber) {
  EXPECT_EQ(PeripheralName(0x00), "disk");
  EXPECT_EQ(PeripheralName(0x0d), "enclosure");
  EXPECT_EQ(PeripheralName(0x14), "zbc-disk");
  EXPECT_EQ(PeripheralName(0x07), "type 7");
  EXPECT_EQ(PeripheralName(0x1f), "type 31");
}

TEST(FormatTest, ShortNamesOfNumberedObjectsKeepTheOwner) {
  struct Case {
    const char* name;
    const char* text;
    const char* collection;
  };
  for (const Case& c : std::vector<Case>{
           {"hosts/500605b00ab01230", "500605b00ab01230", "hosts"},
           {"hosts/500605b00ab01230/phys/3", "500605b00ab01230/3", "phys"},
           {"hosts/500605b00ab01230/expanders/5000ccab0300113f", "5000ccab0300113f", "expanders"},
           {"hosts/500605b00ab01230/expanders/5000ccab0300113f/phys/12", "5000ccab0300113f/12",
            "phys"},
           {"hosts/500605b00ab01230/ports/5000ccab0300113f", "500605b00ab01230/5000ccab0300113f",
            "ports"},
           {"hosts/500605b00ab01230/endDevices/5000c500a7b26111-p2", "5000c500a7b26111-p2",
            "endDevices"},
           {"logicalUnits/naa.5000c500a7b26111", "naa.5000c500a7b26111", "logicalUnits"},
           {"enclosures/5000ccab0405db00/slots/4", "5000ccab0405db00/4", "slots"},
           {"sdb", "sdb", ""},
           {"", "", ""},
       }) {
    EXPECT_EQ(ShortName(c.name), c.text);
    EXPECT_EQ(CollectionOf(c.name), c.collection) << c.name;
  }
}

TEST(FormatTest, TimesAreLocal) {
  setenv("TZ", "Fixed/UTC+02:00:00", /*overwrite=*/1);
  const auto time = At(1'763'943'069, 123'999'999);  // 2025-11-24 00:11:09 UTC
  EXPECT_EQ(DateTime(time), "2025-11-24 02:11:09.123");
  EXPECT_EQ(DateTime(At(0, 0)), "");
}

TEST(FormatTest, AnEventOfAnotherDayShowsItsDate) {
  WallClock clock;
  clock.zone = absl::FixedTimeZone(2 * 60 * 60);
  const auto time = At(1'763'943'069, 123'999'999);  // 2025-11-24 02:11:09 in that zone
  const absl::Time then = absl::FromUnixSeconds(1'763'943'069);
  clock.now = [then] { return then + absl::Hours(21); };
  EXPECT_EQ(EventTime(time, clock), "02:11:09.123");
  clock.now = [then] { return then + absl::Hours(22); };
  EXPECT_EQ(EventTime(time, clock), "2025-11-24 02:11:09.123");
  EXPECT_EQ(DateAndSecond(time, clock), "2025-11-24 02:11:09");
}

TEST(FormatTest, AHandleHasFourHexadecimalDigits) {
  EXPECT_EQ(HandleText(0x12), "0x0012");
  EXPECT_EQ(HandleText(0xfffe), "0xfffe");
  EXPECT_EQ(HandleText(0), "");
}

TEST(FormatTest, AFieldIsFoundByItsPath) {
  setenv("TZ", "UTC", /*overwrite=*/1);
  const auto device = Parse<sas::v1::EndDevice>(R"(
    name: "hosts/1/endDevices/2" state: DEVICE_STATE_BLOCKED device_handle: 18 slot: 0
    target_protocols: PROTOCOL_SSP target_protocols: PROTOCOL_SATA link_rate: LINK_RATE_6_GBPS
    update_time { seconds: 1 } revision: 9000000000)");
  EXPECT_EQ(FieldText(device, "name"), "hosts/1/endDevices/2");
  EXPECT_EQ(FieldText(device, "state"), "blocked");
  EXPECT_EQ(FieldText(device, "device_handle"), "0x0012");
  EXPECT_EQ(FieldText(device, "slot"), "0");
  EXPECT_EQ(FieldText(device, "target_protocols"), "ssp,sata");
  EXPECT_EQ(FieldText(device, "link_rate"), "6G");
  EXPECT_EQ(FieldText(device, "update_time"), "1970-01-01 00:00:01.000");
  EXPECT_EQ(FieldText(device, "revision"), "9000000000");
  const auto host =
      Parse<sas::v1::Host>("discovery { state: DISCOVERY_STATE_SETTLED reset_count: 2 }");
  EXPECT_EQ(FieldText(host, "discovery.state"), "settled");
  EXPECT_EQ(FieldText(host, "discovery.reset_count"), "2");
  EXPECT_EQ(FieldText(Parse<sas::v1::Slot>("occupied: true"), "occupied"), "yes");
  EXPECT_EQ(FieldText(sas::v1::Slot(), "occupied"), "no");
  EXPECT_EQ(FieldText(Parse<sas::v1::Port>("phy_identifiers: [4, 5, 7]"), "phy_identifiers"),
            "4,5,7");
}

TEST(FormatTest, AnUnsetOrUnknownFieldIsEmpty) {
  const sas::v1::EndDevice device;
  for (const char* path : {"name", "slot", "state", "device_handle", "target_protocols",
                           "update_time", "nonsense", "name.more", "target_protocols.x", ""}) {
    EXPECT_EQ(FieldText(device, path), "") << path;
  }
  EXPECT_EQ(FieldText(sas::v1::Host(), "discovery.state"), "");
  EXPECT_EQ(FieldText(sas::v1::Host(), "discovery.nonsense"), "");
}

TEST(FormatTest, APathIsItsBlockDeviceOrEndDevice) {
  const auto unit = Parse<sas::v1::LogicalUnit>(R"(
    paths { end_device: "hosts/1/endDevices/5000c500a7b26111" block_device: "sdb" }
    paths { end_device: "hosts/1/endDevices/5000c500a7b26112" })");
  EXPECT_EQ(FieldText(unit, "paths"), "sdb,5000c500a7b26112");
}

TEST(FormatTest, AResourceHasTheNameOfItsMessage) {
  const auto resource = Parse<sas::v1::Resource>(R"(slot { name: "enclosures/1/slots/4" })");
  EXPECT_EQ(NameOf(resource), "enclosures/1/slots/4");
  EXPECT_EQ(Inner(resource), &resource.slot());
  EXPECT_EQ(NameOf(sas::v1::Resource()), "");
  EXPECT_EQ(Inner(sas::v1::Resource()), nullptr);
}

}  // namespace
}  // namespace sasd::cli
