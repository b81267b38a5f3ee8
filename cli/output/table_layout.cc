#include "cli/output/table_layout.h"

#include <algorithm>
#include <utility>

namespace sasd::cli {
size_t DisplayWidth(absl::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; });
}

TableLayout::TableLayout(std::vector<bool> right_aligned)
    : right_aligned_(std::move(right_aligned)), widths_(right_aligned_.size()) {}

void TableLayout::Fit(const std::vector<std::string>& row) {
  for (size_t i = 0; i < widths_.size(); ++i) {
    widths_[i] = std::max(widths_[i], DisplayWidth(row[i]));
  }
}

std::string TableLayout::Line(const std::vector<std::string>& row) const {
  std::string line;
  for (size_t i = 0; i < widths_.size(); ++i) {
    if (i > 0) line += "  ";
    const std::string padding(widths_[i] - std::min(widths_[i], DisplayWidth(row[i])), ' ');
    line += right_aligned_[i] ? padding + row[i] : row[i] + padding;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

}  // namespace sasd::cli
