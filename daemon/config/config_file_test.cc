#include "daemon/config/config_file.h"

#include <sys/stat.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "daemon/config/options.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string ErrorOf(absl::string_view text) {
  const absl::StatusOr<std::vector<Given>> given = ParseFile(text, "f.toml");
  EXPECT_EQ(given.status().code(), absl::StatusCode::kInvalidArgument) << text;
  return std::string(given.status().message());
}

TEST(ConfigFileTest, EachTypeIsReadWithItsPlace) {
  const auto given = ParseFile(
      "# a comment\n"
      "listen = \"localhost:1\"\n"
      "  journal = false\n"
      "log-events = 5\n"
      "log-bytes = \"2MiB\"\n"
      "journal-bytes = 1_048_576\n"
      "attach-grace = '1min 5s'\n"
      "log-level = \"error\"\n",
      "f.toml");
  ASSERT_TRUE(given.ok()) << given.status();
  Settings settings;
  std::vector<std::string> origins;
  for (const Given& one : *given) {
    SetValue(*one.option, one.value, settings);
    origins.push_back(one.origin);
  }
  EXPECT_THAT(settings.listen, ElementsAre("localhost:1"));
  EXPECT_FALSE(settings.journal);
  EXPECT_EQ(settings.log_events, 5);
  EXPECT_EQ(settings.log_bytes, 2 << 20);
  EXPECT_EQ(settings.journal_bytes, 1 << 20);
  EXPECT_EQ(settings.attach_grace, absl::Seconds(65));
  EXPECT_EQ(settings.log_level, "error");
  EXPECT_EQ(origins[0], "f.toml:2:1");
  EXPECT_EQ(origins[1], "f.toml:3:3");
}

TEST(ConfigFileTest, UnknownNamesAreRefusedWithASuggestion) {
  EXPECT_EQ(ErrorOf("\n  lisen = \"x\"\n"),
            "f.toml:2:3: unknown option \"lisen\"; did you mean \"listen\"?");
  EXPECT_THAT(ErrorOf("attach_grace = \"1s\""), HasSubstr("did you mean \"attach-grace\"?"));
  EXPECT_EQ(ErrorOf("zzzzzz = 1"), "f.toml:1:1: unknown option \"zzzzzz\"");
  EXPECT_THAT(ErrorOf("[listen]\nx = 1\n"), StartsWith("f.toml:1:"));
  EXPECT_THAT(ErrorOf("a.b = 1"), HasSubstr("unknown option \"a\""));
}

TEST(ConfigFileTest, WrongValuesNameWhatIsExpected) {
  EXPECT_EQ(ErrorOf("log-events = 0"), "f.toml:1:14: log-events: expected 1 to 100000000");
  EXPECT_EQ(ErrorOf("log-events = \"5\""),
            "f.toml:1:14: log-events: expected a whole number without quotes, 1 to 100000000, and "
            "this is text");
  EXPECT_EQ(ErrorOf("journal = \"yes\""),
            "f.toml:1:11: journal: expected true or false, without quotes, and this is text");
  EXPECT_EQ(ErrorOf("attach-grace = 30"),
            "f.toml:1:16: attach-grace: a duration has a unit and quotes, for example \"30s\" or "
            "\"30min\"");
  EXPECT_EQ(ErrorOf("attach-grace = \"2d\""), "f.toml:1:16: attach-grace: expected 0s to 1d");
  EXPECT_EQ(ErrorOf("log-level = \"loud\""),
            "f.toml:1:13: log-level: expected debug, info, warning, error or off");
  EXPECT_EQ(ErrorOf("state-dir = 7"),
            "f.toml:1:13: state-dir: expected text in quotes, and this is a number");
  EXPECT_THAT(ErrorOf("state-dir = [1]"), HasSubstr("this is an array"));
  EXPECT_THAT(ErrorOf("state-dir = \"a\\u0000b\""), HasSubstr("NUL"));
  EXPECT_EQ(ErrorOf("listen = 7"),
            "f.toml:1:10: listen: expected text in quotes, or several in brackets, and this is a "
            "number");
  EXPECT_THAT(ErrorOf("listen = [\"a\", 1]"), HasSubstr("this is a number"));
  EXPECT_THAT(ErrorOf("listen = [\"\"]"), HasSubstr("not empty"));
  EXPECT_THAT(ErrorOf("listen = [\"a\\u0000b\"]"), HasSubstr("NUL"));
}

TEST(ConfigFileTest, AllFaultsComeInTheOrderOfTheText) {
  EXPECT_EQ(ErrorOf("seed = -1\nzzzzzz = 1\nlog-level = \"loud\"\nfabrik = \"demo\"\n"),
            "f.toml:1:8: seed: expected 0 or more\n"
            "f.toml:2:1: unknown option \"zzzzzz\"\n"
            "f.toml:3:13: log-level: expected debug, info, warning, error or off\n"
            "f.toml:4:1: unknown option \"fabrik\"; did you mean \"fabric\"?");
}

TEST(ConfigFileTest, BrokenTextHasAPlace) {
  EXPECT_THAT(ErrorOf("listen = unix:/run/x\n"), StartsWith("f.toml:1:"));
  EXPECT_THAT(ErrorOf("\n\nlisten = \"x\n"), StartsWith("f.toml:3:"));
  EXPECT_THAT(ErrorOf("listen = \"\xff\"\n"), StartsWith("f.toml:1:"));
  EXPECT_THAT(ErrorOf("seed = 1\nseed = 2\n"), StartsWith("f.toml:2:"));
  for (const char* letter : {"\u00a1", "\u00e9", "\u0416", "\u2100"}) {
    EXPECT_THAT(ErrorOf(absl::StrCat("se", letter, "d = 1\n")), StartsWith("f.toml:1:"));
    EXPECT_THAT(ErrorOf(absl::StrCat("seed = 1", letter, "\n")), StartsWith("f.toml:1:"));
  }
  EXPECT_THAT(ErrorOf("[[[x]]]\n"), StartsWith("f.toml:1:3:"));
  EXPECT_THAT(ErrorOf(std::string(100'000, '[')), StartsWith("f.toml:1:"));
  EXPECT_THAT(ErrorOf("a = " + std::string(100'000, '[')), StartsWith("f.toml:1:"));
}

TEST(ConfigFileTest, NamesOfEarlierVersionsKeepWorking) {
  const auto given =
      ParseFile("attach-grace-seconds = 1.5\njournal-days = 7\nlink-look-seconds = 0\n", "f");
  ASSERT_TRUE(given.ok()) << given.status();
  EXPECT_EQ(std::get<absl::Duration>((*given)[0].value), absl::Milliseconds(1500));
  EXPECT_EQ(std::get<absl::Duration>((*given)[1].value), absl::Hours(7 * 24));
  EXPECT_EQ(std::get<absl::Duration>((*given)[2].value), absl::ZeroDuration());
  EXPECT_EQ(ErrorOf("attach-grace = \"1s\"\nattach-grace-seconds = 2"),
            "f.toml:2:1: attach-grace-seconds: the same option as in line 1");
  EXPECT_EQ(ErrorOf("attach-grace-seconds = \"2\""),
            "f.toml:1:24: attach-grace-seconds: expected a number, and this is text");
  EXPECT_EQ(ErrorOf("attach-grace-seconds = nan"),
            "f.toml:1:24: attach-grace-seconds: expected a number, not negative");
}

TEST(ConfigFileTest, WhatIsForOneStartIsRefused) {
  EXPECT_THAT(ErrorOf("new-epoch = true"), HasSubstr("give it on the command line"));
}

TEST(ConfigFileTest, AFileWithoutAnEndIsRefused) {
  const std::string fifo = testing::TempDir() + "/config";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  for (const std::string& path : {fifo, std::string("/dev/zero"), testing::TempDir()}) {
    EXPECT_THAT(std::string(ReadFile(path).status().message()), HasSubstr("not a regular file"));
  }
  EXPECT_EQ(ReadFile("/nowhere").status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace sasd::config
