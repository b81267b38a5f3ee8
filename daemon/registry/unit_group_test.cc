#include "daemon/registry/unit_group.h"

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::registry {
namespace {

using ::testing::ElementsAre;

constexpr const char* kWwid = "naa.5031534700a20001";

GroupPath PathOf(uint64_t address, const char* serial, const char* before = "") {
  GroupPath path;
  path.device = {HostKey(SasAddress(0xA)), SasAddress(address), PhysicalPort(0)};
  path.identity = serial;
  path.before = LogicalUnitKey(Text(before));
  return path;
}

GroupUnit UnitOf(const std::string& key, const char* serial) {
  return {LogicalUnitKey(Text(key)), serial};
}

// What follows the wwid in each name.
std::vector<std::string> Names(std::vector<GroupPath> paths, std::vector<GroupUnit> units = {},
                               const char* reserved = "", const char* wwid = kWwid) {
  std::vector<std::string> names;
  for (const GroupName& name : NameUnits(wwid, paths, units, reserved)) {
    names.push_back(name.key.text().str().substr(std::string(wwid).size()));
  }
  return names;
}

const std::string kPlain = kWwid;
constexpr const char* kPath1 = "~path.000000000000000a.0000000000000001.0.0";
constexpr const char* kPath2 = "~path.000000000000000a.0000000000000002.0.0";

TEST(UnitGroupTest, PathsOfOneSerialAreOneUnit) {
  EXPECT_THAT(Names({PathOf(1, "S1"), PathOf(2, "S1")}), ElementsAre("", ""));
}

TEST(UnitGroupTest, PathsOfTwoSerialsAreTwoUnits) {
  EXPECT_THAT(Names({PathOf(1, "S1"), PathOf(2, "S2"), PathOf(3, "S1")}),
              ElementsAre("", "~S2", ""));
}

TEST(UnitGroupTest, NamesDoNotDependOnTheOrderOfReports) {
  EXPECT_THAT(Names({PathOf(1, "S2"), PathOf(2, "S1")}), ElementsAre("~S2", ""));
}

TEST(UnitGroupTest, UnitThatExistsKeepsItsName) {
  EXPECT_THAT(Names({PathOf(1, "S1"), PathOf(2, "S2", kWwid)}, {UnitOf(kPlain, "S2")}),
              ElementsAre("~S1", ""));
  // The first one is gone: the second one is not renamed.
  EXPECT_THAT(Names({PathOf(2, "S2")}, {UnitOf(kPlain + "~S2", "S2")}), ElementsAre("~S2"));
}

TEST(UnitGroupTest, PlainNameIsReservedForTheDriveThatHadIt) {
  EXPECT_THAT(Names({PathOf(1, "S3")}, {}, "S1"), ElementsAre("~S3"));
  EXPECT_THAT(Names({PathOf(1, "S0"), PathOf(2, "S1")}, {}, "S1"), ElementsAre("~S0", ""));
  // Another drive at the address of the first one, in one reading.
  EXPECT_THAT(Names({PathOf(1, "S3", kWwid)}, {UnitOf(kPlain, "S1")}), ElementsAre("~S3"));
}

TEST(UnitGroupTest, LateSerialOfAnotherDriveSplitsTheUnit) {
  EXPECT_THAT(Names({PathOf(1, "S1"), PathOf(2, "")}), ElementsAre("", ""));
  EXPECT_THAT(Names({PathOf(1, "S1", kWwid), PathOf(2, "S2", kWwid)}, {UnitOf(kPlain, "S1")}),
              ElementsAre("", "~S2"));
}

TEST(UnitGroupTest, LateSerialOfTheSameDriveKeepsTheUnit) {
  EXPECT_THAT(Names({PathOf(1, "", kWwid), PathOf(2, "S1")}, {UnitOf(kPlain, "")}),
              ElementsAre("", ""));
  EXPECT_THAT(Names({PathOf(1, "S1", kWwid), PathOf(2, "S1", kWwid)}, {UnitOf(kPlain, "S1")}),
              ElementsAre("", ""));
}

TEST(UnitGroupTest, UnknownSerialAmongSeveralDrivesJoinsNone) {
  EXPECT_THAT(Names({PathOf(1, ""), PathOf(2, "S1"), PathOf(3, "S2")}),
              ElementsAre(kPath1, "", "~S2"));
  // Nor does it when only one of them is left.
  EXPECT_THAT(Names({PathOf(1, "", (kPlain + kPath1).c_str()), PathOf(2, "S1", kWwid)},
                    {UnitOf(kPlain, "S1"), UnitOf(kPlain + kPath1, "")}),
              ElementsAre(kPath1, ""));
}

TEST(UnitGroupTest, SerialThatIsNoLongerReadChangesNothing) {
  EXPECT_THAT(Names({PathOf(1, "S1", kWwid), PathOf(2, "", (kPlain + "~S2").c_str())},
                    {UnitOf(kPlain, "S1"), UnitOf(kPlain + "~S2", "S2")}),
              ElementsAre("", "~S2"));
}

TEST(UnitGroupTest, WithoutSerialsTwoSlotsAreTwoDrives) {
  std::vector<GroupPath> paths = {PathOf(1, ""), PathOf(2, "")};
  for (GroupPath& path : paths) path.enclosure = EnclosureKey(7);
  paths[0].slot = paths[1].slot = 3;
  EXPECT_THAT(Names(paths), ElementsAre("", ""));
  paths[1].slot = 4;
  EXPECT_THAT(Names(paths), ElementsAre("", kPath2));
}

TEST(UnitGroupTest, WithoutSerialsTwoSataAddressesAreTwoDrives) {
  std::vector<GroupPath> paths = {PathOf(1, ""), PathOf(2, "")};
  paths[0].one_port = paths[1].one_port = true;
  EXPECT_THAT(Names(paths), ElementsAre("", kPath2));
  paths[1].device = paths[0].device;
  paths[1].device.host = HostKey(SasAddress(0xB));
  EXPECT_THAT(Names(paths), ElementsAre("", "")) << "one drive through two hosts";
}

TEST(UnitGroupTest, TwoLunsOfOneDeviceAreTwoUnits) {
  std::vector<GroupPath> paths = {PathOf(1, "S1"), PathOf(1, "S1"), PathOf(2, "S1"),
                                  PathOf(2, "S1")};
  paths[1].lun = paths[3].lun = 0x1000000000000;
  EXPECT_THAT(Names(paths), ElementsAre("", "~S1~1000000000000", "", "~S1~1000000000000"));
}

TEST(UnitGroupTest, KeysOfTwoWwidsNeverMeet) {
  const LogicalUnitKey tilde = LogicalUnitKey::Plain("t10.A~S");
  EXPECT_NE(tilde, LogicalUnitKey::Plain("t10.A").WithDiscriminator("S"));
  EXPECT_NE(tilde, LogicalUnitKey::Plain("t10.A%7ES"));
  EXPECT_TRUE(tilde.IsPlain());
  EXPECT_FALSE(tilde.IsFallback());
}

// Paths with and without a serial come, go, and show their serial late, in any order. Those of
// different serials are never one unit, and no unit that stays is renamed.
TEST(UnitGroupTest, RandomHistoriesNeitherJoinNorRename) {
  std::mt19937 random(1);
  const auto below = [&](uint32_t n) { return static_cast<uint32_t>(random() % n); };
  for (int round = 0; round < 300; ++round) {
    constexpr uint64_t kPaths = 6;
    uint32_t drive_of[kPaths];
    for (uint32_t& drive : drive_of) drive = below(3);
    std::vector<std::pair<GroupPath, uint64_t>> now;  // with the number of the path
    std::vector<GroupUnit> units;
    Text reserved;
    for (int step = 0; step < 20; ++step) {
      const uint64_t number = below(kPaths);
      const std::string serial = "S" + std::to_string(drive_of[number]);
      const auto it = std::find_if(now.begin(), now.end(),
                                   [&](const auto& each) { return each.second == number; });
      if (it == now.end()) {
        now.emplace_back(PathOf(number + 1, below(3) == 0 ? "" : serial.c_str()), number);
      } else if (it->first.identity.empty()) {
        it->first.identity = serial;
      } else {
        now.erase(it);
      }
      std::sort(now.begin(), now.end(),
                [](const auto& a, const auto& b) { return a.second < b.second; });
      std::vector<GroupPath> paths;
      for (const auto& [path, n] : now) paths.push_back(path);
      const auto names = NameUnits(kWwid, paths, units, reserved);
      for (size_t i = 0; i < paths.size(); ++i) {
        for (size_t j = 0; j < i; ++j) {
          if (paths[i].identity.empty() || paths[j].identity.empty()) continue;
          ASSERT_EQ(names[i].key == names[j].key, paths[i].identity == paths[j].identity);
        }
        for (const GroupUnit& unit : units) {
          if (unit.identity.empty() || unit.identity != paths[i].identity) continue;
          ASSERT_EQ(names[i].key, unit.key) << "a unit was renamed";
        }
      }
      std::vector<GroupUnit> next;
      for (size_t i = 0; i < paths.size(); ++i) {
        now[i].first.before = names[i].key;
        const auto same = [&](const GroupUnit& unit) { return unit.key == names[i].key; };
        auto known = std::find_if(next.begin(), next.end(), same);
        if (known == next.end()) {
          const auto old = std::find_if(units.begin(), units.end(), same);
          next.push_back({names[i].key, old == units.end() ? Text() : old->identity});
          known = std::prev(next.end());
        }
        if (!names[i].identity.empty()) known->identity = names[i].identity;
      }
      for (const GroupUnit& unit : units) {
        const auto same = [&](const GroupUnit& other) { return unit.key == other.key; };
        const bool stays = std::any_of(next.begin(), next.end(), same);
        if (unit.key.IsPlain() && !stays && !unit.identity.empty()) reserved = unit.identity;
      }
      units = std::move(next);
    }
  }
}

}  // namespace
}  // namespace sasd::registry
