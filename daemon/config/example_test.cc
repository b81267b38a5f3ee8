#include "daemon/config/example.h"

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "daemon/config/config_file.h"
#include "daemon/config/options.h"
#include "daemon/config/settings.h"
#include "gtest/gtest.h"

namespace sasd::config {
namespace {

TEST(ExampleTest, TheShippedFileIsOfTheseOptions) {
  std::ostringstream shipped;
  shipped << std::ifstream("packaging/sasd.toml").rdbuf();
  EXPECT_EQ(shipped.str(), ExampleFile())
      << "bazel run //daemon/config:write_example > packaging/sasd.toml";
}

TEST(ExampleTest, AsShippedItSetsNothing) {
  const auto given = ParseFile(ExampleFile(), "f");
  ASSERT_TRUE(given.ok()) << given.status();
  EXPECT_TRUE(given->empty());
}

TEST(ExampleTest, WithoutTheMarksItGivesEveryDefault) {
  std::string text;
  for (const absl::string_view line : absl::StrSplit(ExampleFile(), '\n')) {
    EXPECT_LE(line.size(), 100u);
    const bool is_option = absl::StartsWith(line, "#") && line.size() > 1 && line[1] != ' ';
    if (is_option) absl::StrAppend(&text, line.substr(1), "\n");
  }
  const auto given = ParseFile(text, "f");
  ASSERT_TRUE(given.ok()) << given.status();
  size_t in_file = 0;
  for (const Option& option : Options()) in_file += !option.once;
  EXPECT_EQ(given->size(), in_file);
  for (const Given& one : *given) {
    EXPECT_EQ(one.value, ValueOf(*one.option, Settings())) << one.option->name;
  }
}

}  // namespace
}  // namespace sasd::config
