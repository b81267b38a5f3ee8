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
  // The row as a line, without '\n' and trailing blanks.
  std::string Line(const std::vector<std::string>& row) const;

 private:
  std::vector<bool> right_aligned_;
  std::vector<size_t> widths_;
};

// The width of a text on a terminal: its number of code points.
size_t DisplayWidth(absl::string_view text);

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_TABLE_LAYOUT_H_
