#include "cli/output/record_order.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sas/v1/resources.pb.h"

namespace sasd::cli {
namespace {

using ::testing::ElementsAre;

TEST(CompareCellsTest, OrdersAsPeopleDo) {
  const std::vector<std::vector<std::string>> ascending = {
      {"600.1GB", "3.8TB", "14.0TB"},
      {"1.5G", "3G", "12G", "22.5G"},
      {"1", "1/2", "2", "10"},
      {"sda", "sdb", "sdz", "sdaa"},
      {"expander-1:9", "expander-1:10", ""},
      {"HUH721212", "ST8000NM0075"},
  };
  for (const auto& cells : ascending) {
    for (size_t i = 1; i < cells.size(); ++i) {
      EXPECT_LT(CompareCells(cells[i - 1], cells[i]), 0) << cells[i - 1] << " " << cells[i];
      EXPECT_GT(CompareCells(cells[i], cells[i - 1]), 0) << cells[i - 1] << " " << cells[i];
    }
  }
  EXPECT_EQ(CompareCells("", ""), 0);
  EXPECT_EQ(CompareCells("sda", "sda"), 0);
}

// The serials of three drives in an order.
std::vector<std::string> Serials(const std::string& columns, bool reverse) {
  const auto& all = ColumnsOf(sas::v1::RESOURCE_KIND_LOGICAL_UNIT);
  RecordOrder order(columns.empty() ? std::vector<const Column*>() : *ChooseColumns(all, columns),
                    reverse);
  sas::v1::LogicalUnit units[3];
  const uint64_t sizes[] = {8000, 600, 8000};
  const char* const serials[] = {"B", "A", "C"};
  RecordPrinter::Page page;
  for (int i = 0; i < 3; ++i) {
    units[i].set_size_bytes(sizes[i]);
    units[i].set_serial(serials[i]);
    page.push_back(&units[i]);
  }
  order.Add(page);
  std::vector<std::string> result;
  for (const auto* record : order.Sorted()) {
    result.push_back(static_cast<const sas::v1::LogicalUnit&>(*record).serial());
  }
  return result;
}

TEST(RecordOrderTest, FirstColumnDecides) {
  EXPECT_THAT(Serials("size,serial", false), ElementsAre("A", "B", "C"));
  EXPECT_THAT(Serials("size", true), ElementsAre("C", "B", "A"));
  EXPECT_THAT(Serials("", false), ElementsAre("B", "A", "C"));
  EXPECT_THAT(Serials("", true), ElementsAre("C", "A", "B"));
}

}  // namespace
}  // namespace sasd::cli
