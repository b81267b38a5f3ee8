#include "cli/output/record_order.h"

#include <string.h>

#include <algorithm>
#include <optional>
#include <string>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"

namespace sasd::cli {
namespace {

// "14.0TB", "12G", "8", "1/2" (the number before the slash).
std::optional<double> NumberIn(absl::string_view cell) {
  const size_t digits = std::min(cell.find_first_not_of("0123456789."), cell.size());
  double number = 0;
  if (digits == 0 || !absl::SimpleAtod(cell.substr(0, digits), &number)) return std::nullopt;
  const absl::string_view unit = cell.substr(digits);
  if (unit.empty() || unit[0] == '/' || unit == "G" || unit == "B") return number;
  for (const absl::string_view known : {"kB", "MB", "GB", "TB", "PB", "EB"}) {
    number *= 1000;
    if (unit == known) return number;
  }
  return std::nullopt;
}

bool IsDisk(absl::string_view cell) {
  return absl::StartsWith(cell, "sd") && absl::c_all_of(cell, absl::ascii_islower);
}

}  // namespace

int CompareCells(absl::string_view a, absl::string_view b) {
  if (a.empty() || b.empty()) return static_cast<int>(a.empty()) - static_cast<int>(b.empty());
  const std::optional<double> left = NumberIn(a), right = NumberIn(b);
  if (left.has_value() && right.has_value() && *left != *right) return *left < *right ? -1 : 1;
  if (IsDisk(a) && IsDisk(b) && a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  return strverscmp(std::string(a).c_str(), std::string(b).c_str());
}

void RecordOrder::Add(const RecordPrinter::Page& page) {
  for (const google::protobuf::Message* record : page) {
    records_.emplace_back(record->New());
    records_.back()->CopyFrom(*record);
  }
}

RecordPrinter::Page RecordOrder::Sorted() const {
  struct Entry {
    const google::protobuf::Message* record;
    std::vector<std::string> cells;
  };
  std::vector<Entry> entries;
  for (const auto& record : records_) {
    entries.push_back({record.get(), {}});
    for (const Column* column : columns_) entries.back().cells.push_back(column->value(*record));
  }
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    for (size_t i = 0; i < a.cells.size(); ++i) {
      const int order = CompareCells(a.cells[i], b.cells[i]);
      if (order != 0) return order < 0;
    }
    return false;
  });
  if (reverse_) std::reverse(entries.begin(), entries.end());
  RecordPrinter::Page page;
  for (const Entry& entry : entries) page.push_back(entry.record);
  return page;
}

}  // namespace sasd::cli
