#include "driver/observation/key_table.h"

#include <map>

#include "gtest/gtest.h"

namespace sasd {
namespace {

constexpr SasAddress kAddress(0x500605b00c0ffe00), kOther(0x500605b00c0ffe10);

class KeyTableTest : public ::testing::Test {
 protected:
  static PlacedHost At(int bus, SasAddress address = kAddress) {
    return {address, HostLocation::OfPci("0000:" + std::to_string(bus) + ":00.0")};
  }
  static HostKey Plain(SasAddress address = kAddress) { return HostKey(address); }
  static HostKey With(int bus) { return HostKey(kAddress, At(bus).location); }

  KeyTable::Keep Keep() {
    return [this](absl::Span<const KeyTable::Row> rows) -> absl::Status {
      if (broken_) return absl::UnavailableError("the disk is full");
      ++keeps_;
      for (const auto& [key, value] : rows) kept_[key] = value;
      return absl::OkStatus();
    };
  }
  // What a restart knows.
  void Restore(KeyTable& table) const {
    for (const auto& [key, value] : kept_) EXPECT_TRUE(table.Load(key, value)) << key;
  }

  std::map<std::string, std::string> kept_;
  int keeps_ = 0;
  bool broken_ = false;
  KeyTable table_{Keep()};
};

TEST_F(KeyTableTest, OneHostHasThePlainKey) {
  table_.SetHosts({At(81), At(82, kOther)});
  EXPECT_EQ(table_.KeyOf(At(81)), Plain());
  EXPECT_EQ(table_.KeyOf(At(82, kOther)), Plain(kOther));
}

TEST_F(KeyTableTest, LowestLocationOfSeveralIsTheFirst) {
  table_.SetHosts({At(83), At(82), At(81)});
  EXPECT_EQ(table_.KeyOf(At(83)), With(83));
  EXPECT_EQ(table_.KeyOf(At(82)), With(82));
  EXPECT_EQ(table_.KeyOf(At(81)), Plain());
}

TEST_F(KeyTableTest, LaterHostGetsItsLocationThoughItIsLower) {
  table_.SetHosts({At(82)});
  table_.SetHosts({At(81), At(82)});
  EXPECT_EQ(table_.KeyOf(At(82)), Plain());
  EXPECT_EQ(table_.KeyOf(At(81)), With(81));
}

TEST_F(KeyTableTest, OrderAfterARestartDoesNotMatter) {
  table_.SetHosts({At(81)});
  table_.SetHosts({At(81), At(80)});
  for (const int first : {80, 81}) {
    KeyTable after(Keep());
    Restore(after);
    // The other one comes later, or never.
    EXPECT_EQ(after.KeyOf(At(first)), first == 81 ? Plain() : With(80));
    EXPECT_EQ(after.KeyOf(At(161 - first)), first == 81 ? With(80) : Plain());
  }
}

TEST_F(KeyTableTest, HostThatStaysAloneKeepsItsLocation) {
  table_.SetHosts({At(81), At(82)});
  table_.SetHosts({At(82)});
  EXPECT_EQ(table_.KeyOf(At(82)), With(82)) << "the other one is missing, and this is not it";
}

TEST_F(KeyTableTest, CardInAnotherSlotKeepsThePlainKey) {
  table_.SetHosts({At(81)});
  table_.SetHosts({At(83)});
  EXPECT_EQ(table_.KeyOf(At(83)), Plain());
}

// sysfs does not see an HBA that sasd drives itself, so its scans do not name it.
TEST_F(KeyTableTest, HostThatSysfsDoesNotSeeKeepsItsKey) {
  table_.SetHosts({At(81)});
  table_.SetOccupied(At(81).location, true);
  table_.SetHosts({});  // taken from the kernel's driver
  table_.SetHosts({At(82)});
  EXPECT_EQ(table_.KeyOf(At(82)), With(82)) << "a second card with this address";
  EXPECT_EQ(table_.KeyOf(At(81)), Plain());
  table_.SetHosts({At(81), At(82)});  // given back
  EXPECT_EQ(table_.KeyOf(At(81)), Plain());
  EXPECT_EQ(table_.KeyOf(At(82)), With(82));
}

TEST_F(KeyTableTest, CardThatLeftAnOccupiedSlotKeepsThePlainKey) {
  table_.SetHosts({At(81)});
  table_.SetOccupied(At(81).location, true);
  table_.SetOccupied(At(81).location, false);
  table_.SetHosts({At(83)});
  EXPECT_EQ(table_.KeyOf(At(83)), Plain());
}

TEST_F(KeyTableTest, SourceThatAsksBeforeTheScanGetsTheSameKey) {
  EXPECT_EQ(table_.KeyOf(At(82)), Plain());
  EXPECT_EQ(table_.KeyOf(At(81)), With(81));
  table_.SetHosts({At(81), At(82)});
  EXPECT_EQ(table_.KeyOf(At(82)), Plain());
  EXPECT_EQ(table_.KeyOf(At(81)), With(81));
}

TEST_F(KeyTableTest, UpgradeKeepsThePlainKeyWhereItWas) {
  table_.LoadPlain(At(82));
  table_.SetHosts({At(81), At(82)});
  EXPECT_EQ(table_.KeyOf(At(82)), Plain());
  EXPECT_EQ(table_.KeyOf(At(81)), With(81));
}

TEST_F(KeyTableTest, KeptAssignmentPrecedesTheRestoredPicture) {
  table_.SetHosts({At(81), At(82)});
  KeyTable after(Keep());
  Restore(after);
  after.LoadPlain(At(82));
  EXPECT_EQ(after.KeyOf(At(81)), Plain());
}

TEST_F(KeyTableTest, WhatCouldNotBeKeptIsKeptWithTheNextChange) {
  broken_ = true;
  table_.SetHosts({At(81)});
  EXPECT_TRUE(kept_.empty());
  broken_ = false;
  table_.SetHosts({At(81), At(82, kOther)});
  EXPECT_EQ(kept_.size(), 2u);
}

TEST_F(KeyTableTest, LocationsOfOneAddressAreBounded) {
  table_.SetHosts({At(10)});
  for (int bus = 11; bus < 99; ++bus) {
    table_.SetHosts({At(10), At(bus)});
    EXPECT_EQ(table_.KeyOf(At(bus)), With(bus));
  }
  EXPECT_EQ(table_.KeyOf(At(10)), Plain());
  EXPECT_LT(kept_.begin()->second.size(), 1000u);
}

TEST_F(KeyTableTest, RowsThatMakeNoSenseAreRefused) {
  for (const auto& [key, value] :
       std::map<std::string, std::string>{{"host 500605b00c0ffe00", ""},
                                          {"host 500605b00c0ffe01", "0000.81.00.0 0000.81.00.0"},
                                          {"host 500605b00c0ffe02", "0000:81:00.0"},
                                          {"host 500605b0", "0000.81.00.0"},
                                          {"host 500605b00c0ffe00-0000.81.00.0", "0000.81.00.0"},
                                          {"enclosure 500605b00c0ffe00", "0000.81.00.0"}}) {
    EXPECT_FALSE(table_.Load(key, value)) << key << ": " << value;
  }
}

TEST_F(KeyTableTest, HostWithoutALocationHasThePlainKey) {
  table_.SetHosts({PlacedHost{kAddress, HostLocation()}});
  EXPECT_EQ(table_.KeyOf({kAddress, HostLocation()}), Plain());
}

const HostKey kHost(kAddress);

TEST_F(KeyTableTest, OnlyNodeOfAnAddressHasNumber0AtAnyPath) {
  for (const char* path : {"4", "0.12", ""}) {
    EXPECT_EQ(table_.NumbersOf(kHost, {{kOther, path}}), std::vector<uint8_t>{0});
    EXPECT_EQ(table_.NumbersOf(kHost, {}), std::vector<uint8_t>{});
  }
  EXPECT_TRUE(kept_.empty());
}

TEST_F(KeyTableTest, NodesKeepTheirNumbersInAnyOrder) {
  EXPECT_EQ(table_.NumbersOf(kHost, {{kOther, "4"}}), std::vector<uint8_t>{0});
  EXPECT_EQ(table_.NumbersOf(kHost, {{kOther, "0.3"}, {kAddress, "1"}, {kOther, "4"}}),
            (std::vector<uint8_t>{1, 0, 0}));
  EXPECT_EQ(table_.NumbersOf(kHost, {{kOther, "0.3"}}), std::vector<uint8_t>{1});
  KeyTable restarted;
  Restore(restarted);
  EXPECT_EQ(restarted.NumbersOf(kHost, {{kOther, "0.3"}}), std::vector<uint8_t>{1});
  EXPECT_EQ(restarted.NumbersOf(kHost, {{kOther, "0.3"}, {kOther, "4"}}),
            (std::vector<uint8_t>{1, 0}));
  EXPECT_EQ(restarted.PathsOf(kHost, kOther), (std::vector<std::string>{"4", "0.3"}));
  EXPECT_EQ(restarted.PathsOf(HostKey(kOther), kOther), std::vector<std::string>{});
}

TEST_F(KeyTableTest, MovedNodeTakesTheNumberOfWhatIsNotThere) {
  table_.NumbersOf(kHost, {{kOther, "1"}, {kOther, "2"}, {kOther, "3"}});
  EXPECT_EQ(table_.NumbersOf(kHost, {{kOther, "7"}, {kOther, "3"}, {kOther, "1"}}),
            (std::vector<uint8_t>{1, 2, 0}));
  EXPECT_EQ(table_.NumbersOf(kHost, {{kOther, "8"}, {kOther, "7"}, {kOther, "3"}, {kOther, "1"}}),
            (std::vector<uint8_t>{3, 1, 2, 0}));
}

TEST_F(KeyTableTest, NodesWithoutPathsCountInTheirOrder) {
  for (int reading = 0; reading < 2; ++reading) {
    EXPECT_EQ(table_.NumbersOf(kHost, {{kOther, ""}, {kOther, ""}}), (std::vector<uint8_t>{0, 1}));
  }
  EXPECT_EQ(keeps_, 1) << "no reading writes what has not changed";
  KeyTable restarted;
  Restore(restarted);
  EXPECT_EQ(restarted.PathsOf(kHost, kOther), (std::vector<std::string>{"", ""}));
}

// Of the restored picture, whose nodes may be of a source that numbers otherwise.
TEST_F(KeyTableTest, LoadedNodeIsKeptOnceAnotherOneComes) {
  table_.LoadNode(kHost, {kOther, "4"}, 0);
  table_.LoadNode(kHost, {kAddress, "5"}, 3);
  table_.SetHosts({});
  EXPECT_TRUE(kept_.empty());
  EXPECT_EQ(table_.NumbersOf(kHost, {{kOther, "0"}, {kOther, "4"}, {kAddress, "5"}}),
            (std::vector<uint8_t>{1, 0, 3}));
  EXPECT_EQ(kept_.size(), 2u);
  KeyTable restarted;
  Restore(restarted);
  EXPECT_EQ(restarted.PathsOf(kHost, kAddress), (std::vector<std::string>{"", "", "", "5"}));
}

TEST_F(KeyTableTest, NumbersThatWereNotKeptComeAgain) {
  broken_ = true;
  table_.NumbersOf(kHost, {{kOther, "1"}, {kOther, "2"}});
  broken_ = false;
  EXPECT_TRUE(kept_.empty());
  table_.NumbersOf(kHost, {{kOther, "1"}, {kOther, "2"}});
  EXPECT_EQ(kept_.size(), 1u);
}

TEST_F(KeyTableTest, NodeRowsThatMakeNoSenseAreRefused) {
  const std::string key = "node 500605b00c0ffe00 500605b00c0ffe10";
  EXPECT_TRUE(table_.Load(key, "1 - 0.2"));
  for (const char* value : {"", "1  2", "x", "1,2"}) EXPECT_FALSE(table_.Load(key, value)) << value;
  for (const char* other : {"node 500605b00c0ffe00", "node x 500605b00c0ffe10",
                            "node 500605b00c0ffe00 500605b00c0ffe10-0000.82.00.0"}) {
    EXPECT_FALSE(table_.Load(other, "1")) << other;
  }
}

}  // namespace
}  // namespace sasd
