#include "rpc/edit_distance.h"

#include <algorithm>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace sasd::rpc {
namespace {

TEST(EditDistanceTest, CountsInsertionsRemovalsReplacementsAndSwaps) {
  EXPECT_EQ(EditDistance("", "", 5), 0u);
  EXPECT_EQ(EditDistance("slot", "slot", 5), 0u);
  EXPECT_EQ(EditDistance("", "abc", 5), 3u);
  EXPECT_EQ(EditDistance("drivs", "drives", 5), 1u);
  EXPECT_EQ(EditDistance("drrives", "drives", 5), 1u);
  EXPECT_EQ(EditDistance("drixes", "drives", 5), 1u);
  EXPECT_EQ(EditDistance("dirves", "drives", 5), 1u);
  EXPECT_EQ(EditDistance("rdivse", "drives", 5), 2u);
  EXPECT_EQ(EditDistance("ca", "abc", 5), 3u);  // a swapped pair is not edited again
}

// The whole table, without a limit.
size_t Reference(const std::string& a, const std::string& b) {
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      d[i][j] = std::min(
          {d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

TEST(EditDistanceTest, ALimitChangesNoSmallerDistance) {
  std::vector<std::string> words = {""};
  for (size_t i = 0; words.back().size() < 5; ++i) {
    for (const char c : {'a', 'b'}) words.push_back(words[i] + c);
  }
  for (const std::string& a : words) {
    for (const std::string& b : words) {
      const size_t distance = Reference(a, b);
      for (size_t limit = 0; limit <= 5; ++limit) {
        ASSERT_EQ(EditDistance(a, b, limit), std::min(distance, limit + 1)) << a << ", " << b;
      }
    }
  }
}

}  // namespace
}  // namespace sasd::rpc
