#include "cli/output/table_printer.h"

#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace sasd::cli {
namespace {

using google::protobuf::Message;

sas::v1::Host Host(const std::string& address, int phys) {
  sas::v1::Host host;
  host.set_sas_address(address);
  host.set_phy_count(phys);
  return host;
}

class TableTest : public ::testing::Test {
 protected:
  static std::string Address(const Message& m) {
    return static_cast<const sas::v1::Host&>(m).sas_address();
  }
  static std::string Phys(const Message& m) {
    return std::to_string(static_cast<const sas::v1::Host&>(m).phy_count());
  }

  // Prints pages as a table.
  std::string Print(const std::vector<std::vector<sas::v1::Host>>& pages, bool headers = true,
                    Screen screen = {}, bool keeps_empty = false) {
    std::ostringstream out;
    const auto printer = NewTablePrinter(out, {&columns_[0], &columns_[1], &columns_[2]},
                                         {headers, screen, keeps_empty});
    for (const auto& hosts : pages) {
      RecordPrinter::Page page;
      for (const sas::v1::Host& host : hosts) page.push_back(&host);
      printer->Print(page);
    }
    printer->Finish();
    return out.str();
  }

  const std::vector<Column> columns_ = {{"address", Column::Shown::kAlways, false, Address},
                                        {"phys", Column::Shown::kAlways, true, Phys},
                                        {"also-address", Column::Shown::kAlways, false, Address}};
};

TEST_F(TableTest, ColumnsFitTheirWidestCell) {
  EXPECT_EQ(Print({{Host("50", 8), Host("500605b0", 16)}}),
            "ADDRESS   PHYS  ALSO-ADDRESS\n"
            "50           8  50\n"
            "500605b0    16  500605b0\n");
}

TEST_F(TableTest, WithoutHeadersOnlyCellsSetWidths) {
  EXPECT_EQ(Print({{Host("50", 8), Host("5006", 16)}}, /*headers=*/false),
            "50     8  50\n"
            "5006  16  5006\n");
}

TEST_F(TableTest, AnEmptyCellIsADash) {
  EXPECT_EQ(Print({{Host("", 8)}}, /*headers=*/false), "-  8  -\n");
}

TEST_F(TableTest, HeadersComeOnceAndLaterPagesMayWiden) {
  EXPECT_EQ(Print({{Host("50", 8)}, {Host("500605b00ab01230", 8)}, {Host("50", 8)}}),
            "ADDRESS  PHYS  ALSO-ADDRESS\n"
            "50          8  50\n"
            "500605b00ab01230     8  500605b00ab01230\n"
            "50                   8  50\n");
}

// A filter may leave nothing of a page.
TEST_F(TableTest, TheFirstRowSetsHeaderWidths) {
  EXPECT_EQ(Print({{}, {}, {Host("500605b00ab01230", 8)}}),
            "ADDRESS           PHYS  ALSO-ADDRESS\n"
            "500605b00ab01230     8  500605b00ab01230\n");
}

TEST_F(TableTest, AnEmptyListStillHasHeaders) {
  EXPECT_EQ(Print({}), "ADDRESS  PHYS  ALSO-ADDRESS\n");
  EXPECT_EQ(Print({{}}), "ADDRESS  PHYS  ALSO-ADDRESS\n");
  EXPECT_EQ(Print({}, /*headers=*/false), "");
}

TEST_F(TableTest, TerminalShowsNoEmptyColumns) {
  EXPECT_EQ(Print({{Host("", 8)}}, true, {80}), "PHYS\n   8\n");
  EXPECT_EQ(Print({{Host("", 8)}}, true, {80}, /*keeps_empty=*/true),
            "ADDRESS  PHYS  ALSO-ADDRESS\n"
            "-           8  -\n");
  EXPECT_EQ(Print({}, true, {80}), "ADDRESS  PHYS  ALSO-ADDRESS\n");
}

TEST_F(TableTest, LaterPageUncoversAColumn) {
  EXPECT_EQ(Print({{Host("", 8)}, {Host("50", 8)}, {Host("", 8)}}, true, {80}),
            "PHYS\n"
            "   8\n"
            "ADDRESS  PHYS  ALSO-ADDRESS\n"
            "50          8  50\n"
            "-           8  -\n");
}

TEST_F(TableTest, LinesFitTheTerminal) {
  EXPECT_EQ(Print({{Host("500605b00ab01230", 16)}}, true, {30}),
            "ADDRESS      PHYS  ALSO-ADDRE\u2026\n"
            "\u2026b00ab01230    16  \u2026b00ab01230\n");
  // Numbers stay whole, and every column keeps some.
  EXPECT_EQ(Print({{Host("500605b00ab01230", 16)}}, false, {5}), "\u202601230  16  \u202601230\n");
}

}  // namespace
}  // namespace sasd::cli
