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

}  // namespace
}  // namespace sasd::cli
