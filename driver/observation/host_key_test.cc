#include "driver/observation/host_key.h"

#include "gtest/gtest.h"

namespace sasd {
namespace {

constexpr SasAddress kAddress(0x500605b00c0ffe00);

TEST(HostKeyTest, PlainKeyIsTheAddress) {
  EXPECT_EQ(ToText(HostKey(kAddress)), "500605b00c0ffe00");
  EXPECT_EQ(ParseHostKey("500605b00c0ffe00"), HostKey(kAddress));
}

TEST(HostKeyTest, LocationJoinsTheKey) {
  const HostKey key(kAddress, HostLocation::OfPci("0000:82:00.0"));
  EXPECT_EQ(ToText(key), "500605b00c0ffe00-0000.82.00.0");
  EXPECT_EQ(ParseHostKey(ToText(key)), key);
  EXPECT_NE(key, HostKey(kAddress));
}

TEST(HostKeyTest, EveryLocationHasOneSpelling) {
  const HostLocation locations[] = {HostLocation::OfPci("0000:82:00.0"),
                                    HostLocation::OfPci("0000:82:00.0", 1),
                                    HostLocation::OfPci("10000:e1:1f.7", 255),
                                    HostLocation::OfPath("devices/platform/HISI0162:01"),
                                    HostLocation::OfPath("devices/platform/HISI0162:01", 1)};
  for (const HostLocation location : locations) {
    EXPECT_TRUE(location.known());
    EXPECT_EQ(HostLocation::Parse(location.ToText()), location) << location.ToText();
    EXPECT_EQ(HostLocation::FromValue(location.value()), location);
    for (const HostLocation other : locations) {
      EXPECT_EQ(&location == &other || location == other, location.ToText() == other.ToText());
    }
  }
}

TEST(HostKeyTest, OtherSpellingsAreRefused) {
  for (const char* text :
       {"", "500605b00c0ffe0", "500605B00C0FFE00", "500605b00c0ffe00-", "500605b00c0ffe00-0",
        "500605b00c0ffe00-0000:82:00.0", "500605b00c0ffe00-0000.82.00.0.0",
        "500605b00c0ffe00-0000.82.20.0", "500605b00c0ffe00-0000.82.00.8",
        "500605b00c0ffe00-00000.82.00.0", "500605b00c0ffe00-0000.82.00.0.256",
        "500605b00c0ffe00-path.12", "500605b00c0ffe00-0000.82.00.0-1"}) {
    EXPECT_EQ(ParseHostKey(text), std::nullopt) << text;
  }
}

TEST(HostKeyTest, PathStandsInWhereThereIsNoPciAddress) {
  EXPECT_EQ(HostLocation::Of("0000:82:00.0", "devices/x"), HostLocation::OfPci("0000:82:00.0"));
  EXPECT_EQ(HostLocation::Of("", "devices/x"), HostLocation::OfPath("devices/x"));
  EXPECT_EQ(HostLocation::Of("82:00.0", "devices/x"), HostLocation::OfPath("devices/x"));
  EXPECT_FALSE(HostLocation::Of("", "").known());
}

// Names keep the hash: it must never change.
TEST(HostKeyTest, HashOfAPathIsTheSameInEveryRelease) {
  EXPECT_EQ(HostLocation::OfPath("devices/platform/HISI0162:01").ToText(), "path.3cbcf47d8d35");
}

}  // namespace
}  // namespace sasd
