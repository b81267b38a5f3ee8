#ifndef CLI_OUTPUT_TABLE_LAYOUT_H_
#define CLI_OUTPUT_TABLE_LAYOUT_H_

#include <stddef.h>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace sasd::cli {

// Aligns the cells of a table. Widths grow with the rows that Fit() sees.
class TableLayout {
 public:
  explicit TableLayout(std::vector<bool> right_aligned);
  // Widens the columns for a row.
  void Fit(const std::vector<std::string>& row);
  // Narrows the widest left-aligned columns until lines have at most so many columns, if that is
  // possible: a column keeps kLeast. Line() then shortens cells that do not fit, with an ellipsis.
  void NarrowTo(size_t columns);
  static constexpr size_t kLeast = 6;
  // The row as a line, without '\n' and trailing blanks.
  std::string Line(const std::vector<std::string>& row) const;

 private:
  std::vector<bool> right_aligned_;
  std::vector<size_t> widths_;
  bool shortens_ = false;
};

// The text, or its first columns and "…" if it has more; of an identifier "…" and its last ones.
// `columns`: at least 1.
std::string Shortened(absl::string_view text, size_t columns);

// The width of a text on a terminal: its number of code points.
size_t DisplayWidth(absl::string_view text);

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_TABLE_LAYOUT_H_
