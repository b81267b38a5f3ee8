#include "rpc/edit_distance.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace sasd::rpc {

size_t EditDistance(absl::string_view a, absl::string_view b, size_t limit) {
  if (a.size() > b.size()) std::swap(a, b);
  if (b.size() - a.size() > limit) return limit + 1;
  // Of the table of distances between prefixes, the rows j - 2, j - 1 and j.
  const size_t width = a.size() + 1;
  std::vector<size_t> cells(3 * width);
  size_t* before = &cells[0];
  size_t* above = &cells[width];
  size_t* row = &cells[2 * width];
  for (size_t i = 0; i < width; ++i) above[i] = i;
  size_t best_above = 0;
  for (size_t j = 1; j <= b.size(); ++j) {
    row[0] = j;
    size_t best = j;
    for (size_t i = 1; i < width; ++i) {
      row[i] = std::min({above[i] + 1, row[i - 1] + 1,
                         above[i - 1] + (a[i - 1] == b[j - 1] ? size_t{0} : size_t{1})});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[i] = std::min(row[i], before[i - 2] + 1);
      best = std::min(best, row[i]);
    }
    // A later row is made of the last two, and a swap adds one.
    if (best > limit && best_above >= limit) return limit + 1;
    best_above = best;
    std::swap(before, above);
    std::swap(above, row);
  }
  return std::min(above[a.size()], limit + 1);
}

}  // namespace sasd::rpc
