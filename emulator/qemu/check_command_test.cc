#include "emulator/qemu/check_command.h"

#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string File(const std::string& name, const std::string& text) {
  std::string path = testing::TempDir() + "/" + name;
  std::ofstream(path) << text;
  return path;
}

TEST(CheckCommandTest, SoundFabricsGiveTheirSummaryAndZero) {
  std::ostringstream out, err;
  EXPECT_EQ(CheckFabrics({"demo", "judge"}, out, err), 0) << err.str();
  EXPECT_THAT(out.str(), StartsWith("demo: "));
  EXPECT_THAT(out.str(), HasSubstr("\njudge: "));
  EXPECT_EQ(err.str(), "");
}

TEST(CheckCommandTest, EveryFileIsCheckedAfterAnError) {
  std::ostringstream out, err;
  EXPECT_EQ(CheckFabrics({"no-such-fabric", "demo"}, out, err), 1);
  EXPECT_THAT(err.str(), HasSubstr("there is no shipped fabric \"no-such-fabric\""));
  EXPECT_THAT(out.str(), StartsWith("demo: "));
}

TEST(CheckCommandTest, ErrorsOfTheTextHaveLineAndColumn) {
  const std::string path = File("text.textproto", "host { id: \"h\" }\nhots { id: 4 }\n");
  std::ostringstream out, err;
  EXPECT_EQ(CheckFabrics({path}, out, err), 1);
  EXPECT_THAT(err.str(), HasSubstr(path + ":2:"));
}

// A program that cannot start with a fabric shows the first 20.
TEST(CheckCommandTest, NoErrorOfAFabricIsLeftOut) {
  std::string text = "host { id: \"h\" address: \"500605b00ab01230\" }\n";
  for (int i = 0; i < 30; ++i) {
    absl::StrAppend(&text, "enclosure { id: \"e", i, "\" logical_id: \"5000ccab03001100\" }\n");
  }
  const std::string path = File("many.textproto", text);
  std::ostringstream out, err;
  EXPECT_EQ(CheckFabrics({path}, out, err), 1);
  for (int i = 1; i < 30; ++i) {
    EXPECT_THAT(err.str(), HasSubstr(absl::StrCat(path, ":", i + 2, ":1: enclosure \"e", i,
                                                  "\": the logical id 5000ccab03001100 is in use "
                                                  "already")));
  }
}

}  // namespace
}  // namespace sasd
