#include "cli/output/natural_order.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace sasd::cli {
namespace {

TEST(NaturalLessTest, NumbersCountAsNumbersAndTheRestAsText) {
  const std::vector<std::string> sorted = {
      "",
      "7",
      "12",
      "Slot 1",
      "Slot 02",
      "Slot 10",
      "a99999999999999999999",  // more than 64 bits hold
      "a100000000000000000000",
      "expander-1:9",
      "expander-1:10",
      "expander-2:0",
      "host",
      "host1",
      "host1:0",
      "host2",
      "host10",
      "host10a",
  };
  for (size_t i = 0; i < sorted.size(); ++i) {
    for (size_t j = 0; j < sorted.size(); ++j) {
      EXPECT_EQ(NaturalLess(sorted[i], sorted[j]), i < j) << sorted[i] << " and " << sorted[j];
    }
  }
}

TEST(NaturalLessTest, LeadingZerosDoNotCount) {
  EXPECT_FALSE(NaturalLess("Slot 01", "Slot 1"));
  EXPECT_FALSE(NaturalLess("Slot 1", "Slot 01"));
  EXPECT_TRUE(NaturalLess("phy-0:007:1", "phy-0:7:2"));
  EXPECT_TRUE(NaturalLess("a00", "a1"));
}

}  // namespace
}  // namespace sasd::cli
