#include "cli/output/table_layout.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

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

void TableLayout::NarrowTo(size_t columns) {
  if (widths_.empty()) return;
  shortens_ = true;
  size_t total = 2 * (widths_.size() - 1);
  for (const size_t width : widths_) total += width;
  while (total > columns) {
    size_t widest = widths_.size();
    for (size_t i = 0; i < widths_.size(); ++i) {
      if (right_aligned_[i] || widths_[i] <= kLeast) continue;
      if (widest == widths_.size() || widths_[i] > widths_[widest]) widest = i;
    }
    if (widest == widths_.size()) return;
    --widths_[widest];
    --total;
  }
}

namespace {

// An address, a WWN: their ends tell them apart.
bool IsIdentifier(absl::string_view text) {
  constexpr size_t kLeastDigits = 10;
  if (text.size() < kLeastDigits) return false;
  return absl::c_all_of(text.substr(text.size() - kLeastDigits), absl::ascii_isxdigit);
}

}  // namespace

std::string Shortened(absl::string_view text, size_t columns) {
  if (DisplayWidth(text) <= columns) return std::string(text);
  if (IsIdentifier(text)) {
    return absl::StrCat("\u2026", text.substr(text.size() - columns + 1));
  }
  size_t end = 0;
  for (size_t points = 0; end < text.size(); ++end) {
    if ((text[end] & 0xc0) != 0x80 && points++ == columns - 1) break;
  }
  return absl::StrCat(text.substr(0, end), "\u2026");
}

std::string TableLayout::Line(const std::vector<std::string>& row) const {
  std::string line;
  for (size_t i = 0; i < widths_.size(); ++i) {
    if (i > 0) line += "  ";
    const bool cut = shortens_ && !right_aligned_[i] && DisplayWidth(row[i]) > widths_[i];
    const std::string cell = cut ? Shortened(row[i], widths_[i]) : row[i];
    const std::string padding(widths_[i] - std::min(widths_[i], DisplayWidth(cell)), ' ');
    line += right_aligned_[i] ? padding + cell : cell + padding;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

}  // namespace sasd::cli
