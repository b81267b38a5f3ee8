#include "cli/capture/disguise.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Page(char code, const std::string& content) {
  std::string page = {'\0', code, '\0', static_cast<char>(content.size())};
  return page + content;
}

TEST(DisguiseTest, OneNameBecomesOneOtherEverywhere) {
  Disguise disguise;
  const std::string first = disguise.Text("phy 5000cca26128b1f4 up");
  EXPECT_THAT(first, Not(HasSubstr("5000cca26128b1f4")));
  EXPECT_EQ(disguise.Text("0x5000CCA26128B1F4"), "0x" + first.substr(4, 16));
  EXPECT_EQ(disguise.Text("naa.5000cca26128b1f4"), "naa." + first.substr(4, 16));
}

// The two ports of a drive, and an expander and its SES device.
TEST(DisguiseTest, NamesThatDifferLittleGoOnDifferingByAsMuch) {
  Disguise disguise;
  const std::string a = disguise.Text("5000cca26128b1f4"), b = disguise.Text("5000cca26128b1f6");
  EXPECT_EQ(a.substr(0, 14), b.substr(0, 14));
  EXPECT_EQ(a.substr(14), "f4");
  EXPECT_EQ(b.substr(14), "f6");
  EXPECT_EQ(a.substr(0, 7), "5000cca") << "the vendor stays";
  EXPECT_NE(disguise.Text("5000cca26128b2f4").substr(0, 14), a.substr(0, 14));
}

TEST(DisguiseTest, NamesOfUnitsFollowTheNameOfTheirDevice) {
  Disguise disguise;
  const std::string device = disguise.Text("5000c500ca110000");
  EXPECT_EQ(disguise.Text("naa.6000c500ca1100000001000000000000"),
            "naa.6" + device.substr(1) + "0001000000000000");
  EXPECT_THAT(disguise.Text("naa.600508b1001c2f9a7b3c4d5e6f708192"),
              Not(HasSubstr("7b3c4d5e6f708192")));
}

TEST(DisguiseTest, OtherNumbersStay) {
  Disguise disguise;
  const std::string text = "1764471600000000 0000000000000000 11:0:0:0 deadbeef 12.0 Gbit";
  EXPECT_EQ(disguise.Text(text), text);
}

TEST(DisguiseTest, SerialNumbersKeepTheirLengthAndGoFromAllTexts) {
  Disguise disguise;
  SysfsCopy copy;
  copy.entries = {{"d/wwid", "t10.ATA     HUH721010ALE600  2TG00058\n"},
                  {"d/vpd_pg80", Page('\x80', "    2TG00058")},
                  {"d/inquiry", std::string(36, 'i') + "2TG00058"},
                  {"d/link", "../2TG00058", CopiedEntry::Kind::kLink}};
  disguise.Apply(copy);
  EXPECT_EQ(copy.entries[1].content, Page('\x80', "    S0000001"));
  EXPECT_EQ(copy.entries[0].content, "t10.ATA     HUH721010ALE600  S0000001\n");
  EXPECT_EQ(copy.entries[2].content, std::string(36, 'i'));
  EXPECT_EQ(disguise.Text("drive 2TG00058 left; 2TG000589 stays"),
            "drive S0000001 left; 2TG000589 stays");
}

// An HGST 4U60 does so.
TEST(DisguiseTest, SlotsNamedAfterTheirDriveAreRenamed) {
  Disguise disguise;
  SysfsCopy copy;
  const std::string name = "Drive Slot #24_5000CCA26128B1F5";
  copy.entries = {
      {"1:0:0:0/enclosure_device:" + name, "../enclosure/" + name, CopiedEntry::Kind::kLink},
      {"enclosure/" + name, "", CopiedEntry::Kind::kFolder}};
  disguise.Apply(copy);
  const std::string& folder = copy.entries[1].path;
  EXPECT_THAT(folder, Not(HasSubstr("28B1F5")));
  EXPECT_EQ(copy.entries[0].content, "../" + folder);
  EXPECT_EQ(copy.entries[0].path, "1:0:0:0/enclosure_device:" + folder.substr(10));
}

TEST(DisguiseTest, BinaryNamesOfPage83AreReplaced) {
  Disguise disguise;
  const std::string name("\x50\x00\xcc\xa2\x61\x28\xb1\xf4", 8);
  SysfsCopy copy;
  copy.entries = {{"d/sas_address", "0x5000cca26128b1f4\n"},
                  {"d/vpd_pg83", Page('\x83', std::string("\x01\x03\x00\x08", 4) + name +
                                                  std::string("\x02\x01\x00\x04WDC ", 8))}};
  disguise.Apply(copy);
  const std::string& page = copy.entries[1].content;
  EXPECT_THAT(page, Not(HasSubstr(name.substr(3, 4))));
  EXPECT_EQ(page.size(), 4u + 12) << "an unknown text is left out";
  EXPECT_EQ(page[3], 12);
  EXPECT_EQ(static_cast<unsigned char>(page[15]), 0xf4);
}

TEST(DisguiseTest, WordsOfJsonAndTheNodeAreReplaced) {
  Disguise disguise;
  disguise.LearnNode("storage-7");
  disguise.LearnJson(R"({"serial": "ZA1BCD23", "model": "ST1000"})");
  EXPECT_EQ(disguise.Text("storage-7: ZA1BCD23 of ST1000 in storage-77"),
            "node: S0000002 of ST1000 in storage-77");
}

}  // namespace
}  // namespace sasd::cli
