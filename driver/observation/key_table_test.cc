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
      for (const auto& [key, value] : rows) kept_[key] = value;
      return absl::OkStatus();
    };
  }
  // What a restart knows.
  void Restore(KeyTable& table) const {
    for (const auto& [key, value] : kept_) EXPECT_TRUE(table.Load(key, value)) << key;
  }

  std::map<std::string, std::string> kept_;
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

}  // namespace
}  // namespace sasd
