#include "driver/sysfs/attribute_text.h"

#include <string>

#include "gtest/gtest.h"

namespace sasd::sysfs {
namespace {

// The texts are those of scsi_transport_sas.c and scsi_sysfs.c (Linux 6.1).

TEST(AttributeTextTest, TextsEndAtNulAndLoseOuterBlanks) {
  EXPECT_EQ(Trimmed("  running\n"), "running");
  EXPECT_EQ(Trimmed(absl::string_view("a \0 b", 5)), "a");
  EXPECT_EQ(Trimmed(""), "");
  EXPECT_EQ(PrintableText("SEA\x01GATE \xff\n"), "SEA?GATE ?");
}

TEST(AttributeTextTest, AddressTextsGiveAnAddressOrZero) {
  EXPECT_EQ(AddressOf("0x500062b2047b51c4\n"), SasAddress(0x500062b2047b51c4));
  for (const char* none : {"", "none", "0x", "0xzz", "0x0000000000000000", "0x12345678901234567"}) {
    EXPECT_EQ(AddressOf(none), SasAddress(0)) << none;
  }
}

TEST(AttributeTextTest, NumbersParseWithinTheirLimit) {
  EXPECT_EQ(NumberOf("12\n"), 12u);
  EXPECT_EQ(NumberOf("0x1f"), 31u);
  EXPECT_EQ(NumberOf("18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(NumberOf("255", 255), 255u);
  for (const char* none : {"", "-1", "+1", "1 2", "1a", "18446744073709551616", "0x-1"}) {
    EXPECT_EQ(NumberOf(none), std::nullopt) << none;
  }
  EXPECT_EQ(NumberOf("256", 255), std::nullopt);
}

TEST(AttributeTextTest, LinkRateTextsGiveTheirRates) {
  EXPECT_EQ(LinkRateOf("1.5 Gbit\n"), LinkRate::k1_5Gbps);
  EXPECT_EQ(LinkRateOf("3.0 Gbit"), LinkRate::k3Gbps);
  EXPECT_EQ(LinkRateOf("6.0 Gbit"), LinkRate::k6Gbps);
  EXPECT_EQ(LinkRateOf("12.0 Gbit"), LinkRate::k12Gbps);
  EXPECT_EQ(LinkRateOf("22.5 Gbit"), LinkRate::k22_5Gbps);
  EXPECT_EQ(LinkRateOf("Phy disabled"), LinkRate::kDisabled);
  EXPECT_EQ(LinkRateOf("Link Rate failed"), LinkRate::kNegotiationFailed);
  EXPECT_EQ(LinkRateOf("Unknown"), LinkRate::kUnknown);
  EXPECT_EQ(LinkRateOf("120.0 Gbit"), LinkRate::kUnknown);
}

TEST(AttributeTextTest, ProtocolWordsGiveTheirBits) {
  EXPECT_EQ(ProtocolsOf("smp, stp, ssp\n"), Protocols::kSmp | Protocols::kStp | Protocols::kSsp);
  EXPECT_EQ(ProtocolsOf("sata"), Protocols::kSata);
  EXPECT_EQ(ProtocolsOf("none"), 0);
  EXPECT_EQ(ProtocolsOf("sspx, other"), 0);
}

TEST(AttributeTextTest, ScsiStatesGiveDeviceStates) {
  EXPECT_EQ(DeviceStateOf("running\n"), DeviceState::kAttached);
  EXPECT_EQ(DeviceStateOf("created"), DeviceState::kAttaching);
  EXPECT_EQ(DeviceStateOf("created-blocked"), DeviceState::kAttaching);
  EXPECT_EQ(DeviceStateOf("blocked"), DeviceState::kBlocked);
  EXPECT_EQ(DeviceStateOf("cancel"), DeviceState::kRemoving);
  EXPECT_EQ(DeviceStateOf("deleted"), DeviceState::kRemoving);
  EXPECT_EQ(DeviceStateOf("offline"), DeviceState::kFailed);
  EXPECT_EQ(DeviceStateOf("transport-offline"), DeviceState::kFailed);
  EXPECT_EQ(DeviceStateOf("quiesce"), DeviceState::kAttached);
}

// scsi_common.c, int_to_scsilun: two bytes for each 16 bits, the lowest first.
TEST(AttributeTextTest, ScsiNamesGiveTheirLun) {
  EXPECT_EQ(LunOfScsiName("11:0:8:0"), 0u);
  EXPECT_EQ(LunOfScsiName("11:0:8:1"), uint64_t{1} << 48);
  EXPECT_EQ(LunOfScsiName("0:0:0:49409"), uint64_t{0xC101} << 48);
  EXPECT_EQ(LunOfScsiName("0:0:0:65536"), uint64_t{1} << 32);
  for (const char* none : {"", "1:2:3", "1:2:3:4:5", "a:0:0:0", "1:2:3:", "host0"}) {
    EXPECT_EQ(LunOfScsiName(none), std::nullopt) << none;
  }
}

TEST(AttributeTextTest, PciNamesAreRecognized) {
  EXPECT_TRUE(IsPciName("0000:03:00.0"));
  EXPECT_TRUE(IsPciName("10000:e1:00.1"));
  for (const char* no : {"", "host0", "0000:03:00", "0000:03:00.x", "000g:03:00.0", "03:00.0"}) {
    EXPECT_FALSE(IsPciName(no)) << no;
  }
}

TEST(AttributeTextTest, TrailingNumbersOfNamesAreFound) {
  EXPECT_EQ(TrailingNumber("phy-11:0:4"), 4u);
  EXPECT_EQ(TrailingNumber("host11"), 11u);
  EXPECT_EQ(TrailingNumber("host"), std::nullopt);
  EXPECT_EQ(TrailingNumber(""), std::nullopt);
}

TEST(AttributeTextTest, NumbersInNamesOrderByValue) {
  EXPECT_TRUE(NaturalLess("phy-1:4", "phy-1:10"));
  EXPECT_FALSE(NaturalLess("phy-1:10", "phy-1:4"));
  EXPECT_TRUE(NaturalLess("host2", "host11"));
  EXPECT_TRUE(NaturalLess("a", "a1"));
  EXPECT_FALSE(NaturalLess("a", "a"));
  // Equal by value but not by text: one of them is still less.
  EXPECT_NE(NaturalLess("a01", "a1"), NaturalLess("a1", "a01"));
}

TEST(AttributeTextTest, LocalAddressIsStableAndLocallyAssigned) {
  EXPECT_EQ(LocalAddress("x"), LocalAddress("x"));
  EXPECT_NE(LocalAddress("x"), LocalAddress("y"));
  EXPECT_EQ(LocalAddress("x").value() >> 60, 3u);  // NAA 3
}

TEST(AttributeTextTest, VpdPageRecordedByTtarIsRestored) {
  const Bytes plain = {0x00, 0x83, 0x00, 0x02, 'a', 'b'};
  EXPECT_EQ(VpdPageOf(absl::string_view("\0\x83\0\x02"
                                        "ab",
                                        6),
                      0x83),
            plain);
  EXPECT_EQ(VpdPageOf("NULLBYTE\xEF\xBF\xBDNULLBYTE\x02"
                      "ab",
                      0x83),
            plain);
  EXPECT_EQ(VpdPageOf("NULLBYTE\x80NULLBYTE\x02\xEF\xBF\xBD", 0x80), Bytes()) << "lost for good";
  EXPECT_EQ(VpdPageOf("", 0x83), Bytes());
}

TEST(AttributeTextTest, LastComponentFollowsTheLastSlash) {
  EXPECT_EQ(LastComponent("../../devices/host11"), "host11");
  EXPECT_EQ(LastComponent("sdb"), "sdb");
  EXPECT_EQ(LastComponent("block/"), "");
  EXPECT_EQ(LastComponent(""), "");
}

// hpsa.c, path_info_show(); smartpqi_init.c, pqi_path_info_show().
TEST(AttributeTextTest, PathInfoOfADriveHasConnectorBoxAndBay) {
  const PathPlace place =
      PathPlaceOf("[1:0:2:0]       Direct-Access PORT: 1I BOX: 1 BAY: 3 Active\n");
  EXPECT_EQ(place.connector, "1I");
  EXPECT_EQ(place.box, 1);
  EXPECT_EQ(place.bay, 3);
  EXPECT_EQ(BoxName(place), "PORT 1I BOX 1");
}

TEST(AttributeTextTest, ActivePathOfPathInfoCounts) {
  const PathPlace place = PathPlaceOf(
      "[1:0:2:0]       Direct-Access PORT: 1E BOX: 7 BAY: 3 Inactive\n"
      "[1:0:2:0]       Direct-Access PORT: 2E BOX: 8 BAY: 3 Active\n");
  EXPECT_EQ(BoxName(place), "PORT 2E BOX 8");
  EXPECT_EQ(PathPlaceOf("[1:0:2:0] Direct-Access PORT: 1E BOX: 7 BAY: 3 Inactive\n").connector,
            "1E");
}

TEST(AttributeTextTest, PathInfoMayHaveNoBoxOrNoPlace) {
  const PathPlace direct = PathPlaceOf("[1:0:2:0]       Direct-Access PORT: 2I BAY: 9 Active\n");
  EXPECT_EQ(direct.box, std::nullopt);
  EXPECT_EQ(direct.bay, 9);
  EXPECT_EQ(BoxName(direct), "PORT 2I");
  for (const char* text : {"", "[1:1:0:0]       Direct-Access Active\n", "PORT:", "BAY: 300"}) {
    EXPECT_EQ(PathPlaceOf(text).connector, "") << text;
    EXPECT_EQ(PathPlaceOf(text).bay, std::nullopt) << text;
  }
}

TEST(AttributeTextTest, EncServIsBitSixOfByteSix) {
  EXPECT_EQ(EnclosureServicesOf(absl::string_view("\x0d\0\x07\x02\x3b\0\x40", 7)), true);
  EXPECT_EQ(EnclosureServicesOf(absl::string_view("\x0d\0\x07\x02\x3b\0\xbf", 7)), false);
  EXPECT_EQ(EnclosureServicesOf(absl::string_view("\x0d\0\x07\x02\x3b\0", 6)), std::nullopt);
}

}  // namespace
}  // namespace sasd::sysfs
