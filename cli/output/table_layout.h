#ifndef CLI_OUTPUT_TABLE_LAYOUT_H_
#define CLI_OUTPUT_TABLE_LAYOUT_H_

#include <stddef.h>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace sasd::cli {

// Cells of a table as text, columns aligned; the widths grow with what was seen. For tables that
// are not of resources, too.
class TableLayout {
 public:
  explicit TableLayout(std::vector<bool> right_aligned);
  // Makes the columns wide enough for a row.
  void Fit(const std::vector<std::string>& row);
  // The row as a line without its end and without trailing blanks.
  std::string Line(const std::vector<std::string>& row) const;

 private:
  std::vector<bool> right_aligned_;
  std::vector<size_t> widths_;
};

// How many columns of a terminal a text takes: its code points.
size_t DisplayWidth(absl::string_view text);

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_TABLE_LAYOUT_H_
