#include <set>

#include "driver/base/endian.h"
#include "driver/base/fake_clock.h"
#include "driver/base/link_rate.h"
#include "driver/base/sas_address.h"
#include "driver/base/strong_id.h"
#include "gtest/gtest.h"

namespace sasd {
namespace {

TEST(SasAddressTest, EverySpellingGivesTheSameAddress) {
  for (const char* text : {"5000c500e23ccd9d", "0x5000C500E23CCD9D", "naa.5000c500e23ccd9d",
                           "50:00:c5:00:e2:3c:cd:9d", " 0x5000c500e23ccd9d\n"}) {
    const absl::StatusOr<SasAddress> address = ParseSasAddress(text);
    ASSERT_TRUE(address.ok()) << text;
    EXPECT_EQ(address->value(), 0x5000c500e23ccd9du) << text;
  }
}

TEST(SasAddressTest, ErrorNamesTextThatIsNoAddress) {
  for (const char* text : {"", "0x", "sdb", "5000c500e23ccd9d0", "5000 c500", "naa."}) {
    const absl::StatusOr<SasAddress> address = ParseSasAddress(text);
    EXPECT_EQ(address.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_NE(address.status().message().find(text), std::string::npos);
  }
}

TEST(SasAddressTest, HexHasSixteenDigits) {
  EXPECT_EQ(ToHex(SasAddress(0x1f)), "000000000000001f");
}

TEST(LinkRateTest, EveryNibbleHasANameAndSpeed) {
  for (int byte = 0; byte < 256; ++byte) {
    const LinkRate rate = LinkRateFromNibble(static_cast<uint8_t>(byte));
    EXPECT_FALSE(ToString(rate).empty());
    EXPECT_EQ(IsLinkUp(rate), Gbps(rate) > 0);
  }
  EXPECT_EQ(LinkRateFromNibble(0xBA), LinkRate::k6Gbps);
  EXPECT_EQ(LinkRateFromNibble(0x07), LinkRate::kUnknown);
  EXPECT_EQ(LinkRateFromNibble(0x0D), LinkRate::kUnknown);
}

TEST(EndianTest, LoadReturnsTheStoredValue) {
  Bytes bytes(16);
  StoreLe64(absl::MakeSpan(bytes), 1, 0x0102030405060708);
  EXPECT_EQ(bytes[1], 0x08);
  EXPECT_EQ(bytes[8], 0x01);
  EXPECT_EQ(LoadLe64(bytes, 1), 0x0102030405060708u);
  StoreBe64(absl::MakeSpan(bytes), 1, 0x0102030405060708);
  EXPECT_EQ(bytes[1], 0x01);
  EXPECT_EQ(LoadBe64(bytes, 1), 0x0102030405060708u);
  EXPECT_EQ(LoadBe32(bytes, 1), 0x01020304u);
  EXPECT_EQ(LoadLe16(bytes, 1), 0x0201);
}

TEST(StrongIdTest, IdsOrderByValue) {
  const std::set<DevHandle> handles = {DevHandle(9), DevHandle(1), DevHandle(9)};
  EXPECT_EQ(handles.size(), 2u);
  EXPECT_EQ(handles.begin()->value(), 1);
}

TEST(FakeClockTest, MovesOnlyByAdvance) {
  FakeClock clock;
  const absl::Time start = clock.Now();
  clock.Advance(absl::Seconds(3));
  EXPECT_EQ(clock.Monotonic(), absl::Seconds(3));
  EXPECT_EQ(clock.Now() - start, absl::Seconds(3));
}

}  // namespace
}  // namespace sasd
