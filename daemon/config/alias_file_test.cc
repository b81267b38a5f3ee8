#include "daemon/config/alias_file.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::config {
namespace {

using ::testing::HasSubstr;

TEST(AliasFileTest, LinesComeInTheOrderOfTheFile) {
  const auto lines = ParseAliases(
      "# names\n\"hosts/500605b00ab01234\" = \"rack3-a\"\n\n"
      "\"enclosures/500304800175f0bf\" = 'rack3-top'\n",
      "a.toml");
  ASSERT_TRUE(lines.ok()) << lines.status();
  ASSERT_EQ(lines->size(), 2u);
  EXPECT_EQ((*lines)[0].resource, "hosts/500605b00ab01234");
  EXPECT_EQ((*lines)[0].alias, "rack3-a");
  EXPECT_EQ((*lines)[0].place, "a.toml:2:1");
  EXPECT_EQ((*lines)[1].alias, "rack3-top");
  EXPECT_EQ((*lines)[1].place, "a.toml:4:1");
}

TEST(AliasFileTest, EmptyFileHasNoAliases) { EXPECT_TRUE(ParseAliases("", "a.toml")->empty()); }

TEST(AliasFileTest, EachFaultHasItsPlace) {
  const auto lines = ParseAliases("a = 1\n[b]\nc = \"d\"\n", "a.toml");
  EXPECT_EQ(lines.status().code(), absl::StatusCode::kInvalidArgument);
  const std::string text(lines.status().message());
  EXPECT_THAT(text, HasSubstr("a.toml:1:1: \"a\": expected a line such as"));
  EXPECT_THAT(text, HasSubstr("\na.toml:2:2: \"b\""));
  EXPECT_THAT(std::string(ParseAliases("a = ", "a.toml").status().message()),
              HasSubstr("a.toml:1:"));
}

TEST(AliasFileTest, ResourceTwiceIsAnError) {
  EXPECT_FALSE(ParseAliases("a = \"x\"\na = \"y\"\n", "a.toml").ok());
}

TEST(AliasFileTest, MissingFileIsNotFound) {
  EXPECT_EQ(ReadAliases("/nowhere/aliases.toml").status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace sasd::config
