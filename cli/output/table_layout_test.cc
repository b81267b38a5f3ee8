#include "cli/output/table_layout.h"

#include "gtest/gtest.h"

namespace sasd::cli {
namespace {

TEST(TableLayoutTest, LinesHaveNoTrailingBlanks) {
  TableLayout layout({false, false});
  layout.Fit({"abc", "defg"});
  EXPECT_EQ(layout.Line({"a", "d"}), "a    d");
  EXPECT_EQ(layout.Line({"a", ""}), "a");
}

TEST(TableLayoutTest, WideCellsAreNotCut) {
  TableLayout layout({false, true});
  layout.Fit({"ab", "cd"});
  EXPECT_EQ(layout.Line({"abcdef", "x"}), "abcdef   x");
}

TEST(TableLayoutTest, WidthCountsCodePoints) {
  EXPECT_EQ(DisplayWidth(""), 0u);
  EXPECT_EQ(DisplayWidth("b\xc3\xa9\xf0\x9f\x98\x80"), 3u);
  TableLayout layout({false, false});
  layout.Fit({"abc", "x"});
  EXPECT_EQ(layout.Line({"\xc3\xa9", "x"}), "\xc3\xa9    x");
}

TEST(TableLayoutTest, ShortenedTextsCountCodePoints) {
  EXPECT_EQ(Shortened("abc", 3), "abc");
  EXPECT_EQ(Shortened("abcd", 3), "ab\u2026");
  EXPECT_EQ(Shortened("b\xc3\xa9\xc3\xa9g", 3), "b\xc3\xa9\u2026");
  EXPECT_EQ(Shortened("abcd", 1), "\u2026");
}

TEST(TableLayoutTest, IdentifiersKeepTheEndThatTellsThemApart) {
  EXPECT_EQ(Shortened("500605b00ab01230", 8), "\u2026ab01230");
  EXPECT_EQ(Shortened("naa.5000c500a7b26110", 5), "\u20266110");
  EXPECT_EQ(Shortened("ST8000NM0075", 5), "ST80\u2026");
}

}  // namespace
}  // namespace sasd::cli
