#include "cli/output/visible.h"

#include "gtest/gtest.h"

namespace sasd::cli {
namespace {

TEST(VisibleTest, TerminalsObeyNothingInIt) {
  EXPECT_EQ(Visible("\033[2Jx\r\n\t\x7f"), "\\x1b[2Jx\\x0d\\x0a\\x09\\x7f");
  EXPECT_EQ(Visible("\xc2\x9b"
                    "31m"),
            "\\x9b31m");
  EXPECT_EQ(Visible("\xc3\xa9 \xe2\x80\xa6 a"), "\xc3\xa9 \xe2\x80\xa6 a");
}

TEST(VisibleTest, MessageKeepsItsOwnLines) {
  EXPECT_EQ(VisibleMessage("\"a\nb\" is 2 objects:\n  x\033", {"show", "a\nb"}),
            "\"a\\x0ab\" is 2 objects:\n  x\\x1b");
}

}  // namespace
}  // namespace sasd::cli
