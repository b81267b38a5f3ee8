#include "daemon/service/glob_set.h"

#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "rpc/glob.h"

namespace sasd::service {
namespace {

GlobSet SetOf(const std::vector<std::string>& patterns) {
  GlobSet set;
  for (const std::string& pattern : patterns) EXPECT_TRUE(set.Add(pattern).ok()) << pattern;
  return set;
}

TEST(GlobSetTest, AnyOfThePatternsMatches) {
  const GlobSet set = SetOf({"ab*", "?x", "*yz", "a\\*b"});
  for (const char* text : {"ab", "abc", "cx", "éx", "yz", "xyz", "a*b"}) {
    EXPECT_TRUE(set.Matches(text)) << text;
  }
  for (const char* text : {"", "a", "x", "xx1", "y", "yzz", "axb", "ééx"}) {
    EXPECT_FALSE(set.Matches(text)) << text;
  }
}

TEST(GlobSetTest, PatternMayBeLongerThanAWord) {
  const std::string name(70, 'a');
  EXPECT_TRUE(SetOf({name + "*b"}).Matches(name + "xxb"));
  EXPECT_FALSE(SetOf({name + "*b"}).Matches(name.substr(1) + "xxb"));
}

TEST(GlobSetTest, EmptySetMatchesNothing) {
  EXPECT_TRUE(GlobSet().empty());
  EXPECT_FALSE(GlobSet().Matches(""));
  EXPECT_TRUE(SetOf({"*"}).Matches(""));
}

TEST(GlobSetTest, PatternThatEndsInABackslashIsRefused) {
  GlobSet set;
  EXPECT_FALSE(set.Add("a\\").ok());
  EXPECT_TRUE(set.empty());
}

// Compares with one glob after another, on texts and patterns of few different characters.
TEST(GlobSetTest, MatchesWhatOneOfTheGlobsMatches) {
  std::mt19937 random(5);
  const std::vector<std::string> pieces = {"a", "b", "*", "?", "é", "\\*", "ab"};
  const std::vector<std::string> letters = {"a", "b", "é", "*"};
  const auto make = [&random](const std::vector<std::string>& of, size_t most) {
    std::string text;
    for (size_t i = random() % (most + 1); i > 0; --i) text += of[random() % of.size()];
    return text;
  };
  int matches = 0;
  for (int round = 0; round < 3000; ++round) {
    std::vector<std::string> patterns;
    for (size_t i = 1 + random() % 20; i > 0; --i) patterns.push_back(make(pieces, 12));
    const GlobSet set = SetOf(patterns);
    for (int i = 0; i < 10; ++i) {
      const std::string text = make(letters, 12);
      bool expected = false;
      for (const std::string& pattern : patterns) {
        expected = expected || rpc::Glob::Parse(pattern)->Matches(text);
      }
      matches += expected ? 1 : 0;
      ASSERT_EQ(set.Matches(text), expected) << text << " in " << patterns.size() << " patterns";
    }
  }
  EXPECT_GT(matches, 1'000);
}

}  // namespace
}  // namespace sasd::service
