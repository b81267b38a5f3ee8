#include "cli/query/time_spec.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::cli {
namespace {

using ::testing::HasSubstr;

// 2026-03-29 is the day on which clocks in Berlin go from 02:00 to 03:00.
class TimeSpecTest : public ::testing::Test {
 protected:
  TimeSpecTest() { EXPECT_TRUE(absl::LoadTimeZone("Europe/Berlin", &clock_.zone)); }

  void NowIs(const std::string& text) {
    absl::Time now;
    ASSERT_TRUE(absl::ParseTime("%Y-%m-%d %H:%M:%S", text, clock_.zone, &now, nullptr));
    clock_.now = [now] { return now; };
  }

  // The time that is meant, in the zone.
  std::string Parse(const std::string& text) {
    const auto time = ParseTime("--since", text, clock_);
    if (!time.ok()) return std::string(time.status().message());
    return absl::FormatTime("%Y-%m-%d %H:%M:%E*S", *time, clock_.zone);
  }

  WallClock clock_;
};

TEST_F(TimeSpecTest, AgesCountBackFromNow) {
  NowIs("2026-03-02 14:00:00");
  for (const char* text : {"2h", "2h ago", "2 hours ago", "120m", "120 min", " 7200s "}) {
    EXPECT_EQ(Parse(text), "2026-03-02 12:00:00") << text;
  }
  EXPECT_EQ(Parse("1d12h"), "2026-03-01 02:00:00");
  EXPECT_EQ(Parse("2 weeks ago"), "2026-02-16 14:00:00");
  EXPECT_EQ(Parse("now"), "2026-03-02 14:00:00");
}

TEST_F(TimeSpecTest, DaysBeginAtMidnight) {
  NowIs("2026-03-02 14:00:00");
  EXPECT_EQ(Parse("today"), "2026-03-02 00:00:00");
  EXPECT_EQ(Parse("Yesterday"), "2026-03-01 00:00:00");
  EXPECT_EQ(Parse("yesterday 03:30"), "2026-03-01 03:30:00");
  EXPECT_EQ(Parse("today 3:30:15"), "2026-03-02 03:30:15");
}

TEST_F(TimeSpecTest, ATimeOfDayIsTheLastOne) {
  NowIs("2026-03-02 14:00:00");
  EXPECT_EQ(Parse("03:30"), "2026-03-02 03:30:00");
  EXPECT_EQ(Parse("14:00"), "2026-03-02 14:00:00");
  EXPECT_EQ(Parse("23:00"), "2026-03-01 23:00:00");
}

TEST_F(TimeSpecTest, DatesMayHaveATimeAndAnOffset) {
  NowIs("2026-03-02 14:00:00");
  EXPECT_EQ(Parse("2026-02-28"), "2026-02-28 00:00:00");
  EXPECT_EQ(Parse("2026-02-28 03:14"), "2026-02-28 03:14:00");
  EXPECT_EQ(Parse("2026-02-28T03:14:07.5"), "2026-02-28 03:14:07.5");
  EXPECT_EQ(Parse("2026-02-28T03:14:07Z"), "2026-02-28 04:14:07");
  EXPECT_EQ(Parse("2026-02-28T03:14:07+05:00"), "2026-02-27 23:14:07");
}

TEST_F(TimeSpecTest, YesterdayIsADayBeforeAlsoWhenClocksChange) {
  NowIs("2026-03-30 01:00:00");
  EXPECT_EQ(Parse("yesterday"), "2026-03-29 00:00:00");
  EXPECT_EQ(Parse("yesterday 03:30"), "2026-03-29 03:30:00");
  EXPECT_EQ(Parse("1d"), "2026-03-29 00:00:00");  // 24 hours, one of which no clock showed
}

TEST_F(TimeSpecTest, ErrorsNameTheOptionAndTheForms) {
  NowIs("2026-03-02 14:00:00");
  for (const char* text : {"", "soon", "2", "2x", "25:00", "3:3:3:3", "2026-13-01", "todayish",
                           "-2h", "h", "yesterday noon"}) {
    EXPECT_THAT(Parse(text), HasSubstr("is not a time; give one such as 2h")) << text;
  }
  EXPECT_THAT(Parse("soon"), HasSubstr("--since \"soon\""));
}

}  // namespace
}  // namespace sasd::cli
