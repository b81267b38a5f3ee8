#include "daemon/config/value_text.h"

#include <limits>
#include <string>

#include "gtest/gtest.h"

namespace sasd::config {
namespace {

TEST(ValueTextTest, DurationsHaveUnitsThatAddUp) {
  EXPECT_EQ(*ParseDuration("30s"), absl::Seconds(30));
  EXPECT_EQ(*ParseDuration("500ms"), absl::Milliseconds(500));
  EXPECT_EQ(*ParseDuration(" 1h 30min "), absl::Minutes(90));
  EXPECT_EQ(*ParseDuration("1h30m"), absl::Minutes(90));
  EXPECT_EQ(*ParseDuration("2 w"), absl::Hours(14 * 24));
  EXPECT_EQ(*ParseDuration("90d"), absl::Hours(90 * 24));
  EXPECT_EQ(*ParseDuration("0"), absl::ZeroDuration());
  EXPECT_EQ(*ParseDuration("5sec"), absl::Seconds(5));
}

TEST(ValueTextTest, NumbersWithoutAUnitAreNoDuration) {
  for (const char* text : {"", " ", "30", "s", "-3s", "1.5h", "3 fortnights", "30s5", "1h x"}) {
    EXPECT_EQ(ParseDuration(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
  EXPECT_FALSE(ParseDuration("9223372036854775807w").ok());
  EXPECT_FALSE(ParseDuration("99999999999999999999s").ok());
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "9007199254740991s";
  EXPECT_FALSE(ParseDuration(many).ok());
}

TEST(ValueTextTest, WrittenDurationsAreReadAgain) {
  for (const int64_t ms : {0, 1, 999, 1000, 60'000, 5'400'000, 86'400'000, 90'061'001}) {
    const absl::Duration duration = absl::Milliseconds(ms);
    EXPECT_EQ(*ParseDuration(DurationText(duration)), duration) << DurationText(duration);
  }
  EXPECT_EQ(DurationText(absl::Minutes(90)), "1h 30min");
  EXPECT_EQ(DurationText(absl::Hours(90 * 24)), "90d");
  EXPECT_EQ(DurationText(absl::ZeroDuration()), "0s");
}

TEST(ValueTextTest, SizesHaveBinaryUnits) {
  EXPECT_EQ(*ParseBytes("65536"), 65536);
  EXPECT_EQ(*ParseBytes("64MiB"), int64_t{64} << 20);
  EXPECT_EQ(*ParseBytes("1 TiB"), int64_t{1} << 40);
  for (const char* text : {"", "MiB", "64MB", "64mib", "-1", "1.5GiB", "9999999999TiB"}) {
    EXPECT_EQ(ParseBytes(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(ValueTextTest, WrittenSizesAreReadAgain) {
  for (const int64_t bytes : {int64_t{0}, int64_t{1}, int64_t{1024}, int64_t{1025},
                              int64_t{3} << 30, std::numeric_limits<int64_t>::max()}) {
    EXPECT_EQ(*ParseBytes(BytesText(bytes)), bytes) << BytesText(bytes);
  }
  EXPECT_EQ(BytesText(int64_t{16} << 20), "16MiB");
}

}  // namespace
}  // namespace sasd::config
