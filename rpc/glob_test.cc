#include "rpc/glob.h"

#include <string>

#include "gtest/gtest.h"

namespace sasd::rpc {
namespace {

bool Matches(absl::string_view pattern, absl::string_view text) {
  const auto glob = Glob::Parse(pattern);
  EXPECT_TRUE(glob.ok()) << glob.status();
  return glob->Matches(text);
}

TEST(GlobTest, StarsAndQuestionMarksMatchText) {
  struct Case {
    const char* pattern;
    const char* text;
    bool matches;
  };
  for (const Case& c : {
           Case{"", "", true},
           Case{"", "a", false},
           Case{"*", "", true},
           Case{"**", "anything", true},
           Case{"HUH72*", "HUH721212AL5200", true},
           Case{"HUH72*", "HUH73", false},
           Case{"*5200", "HUH721212AL5200", true},
           Case{"*5200", "HUH721212AL5204", false},
           Case{"sd?", "sdb", true},
           Case{"sd?", "sd", false},
           Case{"sd?", "sdaa", false},
           Case{"a*b*c", "aXbXbXc", true},
           Case{"a*b*c", "aXbXbX", false},
           Case{"*ab", "aab", true},
           Case{"*a?c*", "xxabxabcx", true},
           Case{"ABC", "abc", false},
           Case{"?", "\xc3\xa9", true},  // one character of two bytes
           Case{"*??", "\xc3\xa9", false},
           Case{"a\\*", "a*", true},
           Case{"a\\*", "ab", false},
           Case{"\\?\\\\", "?\\", true},
           Case{"\\a", "a", true},
       }) {
    EXPECT_EQ(Matches(c.pattern, c.text), c.matches) << c.pattern << " " << c.text;
  }
}

TEST(GlobTest, APlainPatternGivesItsText) {
  EXPECT_TRUE(Glob::Parse("a\\*b")->is_plain());
  EXPECT_EQ(Glob::Parse("a\\*b")->plain(), "a*b");
  EXPECT_FALSE(Glob::Parse("a*b")->is_plain());
  EXPECT_FALSE(Glob::Parse("a?b")->is_plain());
}

TEST(GlobTest, ABackslashAtTheEndIsAnError) {
  EXPECT_EQ(Glob::Parse("a\\").status().message(),
            "\"a\\\" ends with \"\\\"; \"\\\\\" is a plain one");
  EXPECT_TRUE(Glob::Parse("a\\\\").ok());
}

// With backtracking into every star this takes longer than the universe is old.
TEST(GlobTest, ManyStarsTakeNoTime) {
  std::string pattern;
  for (int i = 0; i < 60; ++i) pattern += "a*";
  pattern += "b";
  const std::string text(10000, 'a');
  EXPECT_FALSE(Matches(pattern, text));
  EXPECT_TRUE(Matches(pattern, text + "b"));
}

}  // namespace
}  // namespace sasd::rpc
