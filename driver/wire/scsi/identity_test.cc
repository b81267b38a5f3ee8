#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "driver/wire/scsi/default_identifiers.h"
#include "driver/wire/scsi/scsi.h"
#include "gtest/gtest.h"

// Which designators of VPD page 83h identify a unit.
namespace sasd::mpi {
namespace {

Designator Of(Designator::Type type, Bytes data) {
  Designator designator;
  designator.type = type;
  designator.data = std::move(data);
  return designator;
}
Designator Naa(Bytes data) { return Of(Designator::Type::kNaa, std::move(data)); }
Designator T10(const std::string& text) {
  return Of(Designator::Type::kT10, Bytes(text.begin(), text.end()));
}

const Bytes kGood = {0x50, 0x00, 0xC5, 0x00, 0xA7, 0xB2, 0x61, 0x11};
const Bytes kZeros(8, 0x00), kOnes(8, 0xFF);
const Bytes kEui = {0x00, 0x25, 0x38, 0x5A, 0x71, 0xB0, 0x12, 0x34};

TEST(IdentityTest, DefinedIdentifiersIdentifyAUnit) {
  for (const char* id : {"naa.5000c500a7b26111", "naa.2000000c50a7b261", "naa.3000000000000001",
                         "naa.6000c500ca1102000000000000000000", "eui.0025385a71b01234",
                         "t10.ATA     CHEAP 512GB                             AB2211040010007",
                         "t10.HGST    0123", "iqn.2026-01.com.example:disk"}) {
    EXPECT_TRUE(IdentifiesUnit(id)) << id;
  }
}

TEST(IdentityTest, UndefinedBlankAndDefaultOnesDoNot) {
  for (const char* id : {"",
                         "naa.",
                         "naa.0000000000000000",
                         "naa.ffffffffffffffff",
                         "naa.1000c500a7b26111",
                         "naa.4000c500a7b26111",
                         "naa.7000c500a7b26111",
                         "naa.5000000000000000",
                         "naa.5fffffffffffffff",
                         "naa.2",
                         "naa.21",
                         "naa.2123",
                         "naa.5",
                         "naa.6000c",
                         "naa.5000000000000001",
                         "naa.3000000000000000",
                         "naa.60000000000000000000000000000000",
                         "naa.2123000000a7b261",
                         "eui.0000000000000000",
                         "eui.ffffffffffffffff",
                         "eui.0000000000000001",
                         "t10.",
                         "t10.ATA     ",
                         "t10.ATA     CHEAP 512GB                             "}) {
    EXPECT_FALSE(IdentifiesUnit(id)) << id;
  }
}

TEST(IdentityTest, SerialOfOneCharacterIsNone) {
  for (const char* serial : {"", "0", "00000000", "FFFFFFFF"}) EXPECT_FALSE(IsUnitSerial(serial));
  for (const char* serial : {"AB2211040010007", "01"}) EXPECT_TRUE(IsUnitSerial(serial));
}

TEST(IdentityTest, KnownDefaultsIdentifyNothing) {
  for (const DefaultIdentifier& known : DefaultIdentifiers()) {
    EXPECT_FALSE(IdentifiesUnit(known.id)) << known.id;
  }
  for (const DefaultIdentifier& known : DefaultSerials()) {
    EXPECT_FALSE(IsUnitSerial(known.id)) << known.id;
  }
  EXPECT_FALSE(IdentifiesUnit("eui.8ce38e0000000000"));
  EXPECT_TRUE(IdentifiesUnit("eui.8ce38e0000000001"));
  EXPECT_FALSE(IsUnitSerial(" 0123456789abcdef"));
  EXPECT_TRUE(IsUnitSerial("0123456789ABCDE0"));
}

TEST(IdentityTest, EachKnownDefaultHasItsSource) {
  for (const auto list : {DefaultIdentifiers(), DefaultSerials()}) {
    EXPECT_FALSE(list.empty());
    for (const DefaultIdentifier& known : list) {
      EXPECT_TRUE(absl::StartsWith(known.source, "https://")) << known.id;
      EXPECT_FALSE(known.reports.empty()) << known.id;
    }
  }
}

TEST(IdentityTest, KnownDefaultGivesWayToTheNextBest) {
  const Designator eui = Of(Designator::Type::kEui64, {0x8C, 0xE3, 0x8E, 0, 0, 0, 0, 0});
  EXPECT_EQ(WorldWideId({eui, T10("KIOXIA  94LEP3340R")}), "t10.KIOXIA  94LEP3340R");
  EXPECT_EQ(RejectedId({eui, T10("KIOXIA  94LEP3340R")}), "eui.8ce38e0000000000");
}

TEST(IdentityTest, NextBestDesignatorStandsInForABadOne) {
  const Designator eui = Of(Designator::Type::kEui64, kEui);
  for (const Bytes& bad : {kZeros, kOnes}) {
    EXPECT_EQ(WorldWideId({Naa(bad), T10("HGST    01"), eui}), "eui.0025385a71b01234");
    EXPECT_EQ(WorldWideId({Naa(bad), T10("HGST    01")}), "t10.HGST    01");
    EXPECT_EQ(WorldWideId({Naa(bad), T10("HGST")}), "");
    EXPECT_EQ(WorldWideId({Naa(bad), Naa(kGood)}), "naa.5000c500a7b26111");
  }
}

TEST(IdentityTest, RejectedOneIsNamedUnlessABetterOneIsThere) {
  const Designator eui = Of(Designator::Type::kEui64, kEui);
  EXPECT_EQ(RejectedId({Naa(kZeros), eui}), "naa.0000000000000000");
  EXPECT_EQ(RejectedId({Naa(kZeros)}), "naa.0000000000000000");
  EXPECT_EQ(RejectedId({Naa(kGood), Naa(kOnes)}), "naa.ffffffffffffffff");
  EXPECT_EQ(RejectedId({Naa(kGood), Of(Designator::Type::kEui64, kZeros)}), "");
  EXPECT_EQ(RejectedId({Naa(kGood), eui}), "");
  EXPECT_EQ(RejectedId({}), "");
}

}  // namespace
}  // namespace sasd::mpi
