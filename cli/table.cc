#include <algorithm>
#include <utility>

#include "cli/record_printer.h"

namespace sasd::cli {
namespace {

class TablePrinter : public RecordPrinter {
 public:
  TablePrinter(std::ostream& out, std::vector<const Column*> columns, bool headers)
      : out_(out), columns_(std::move(columns)), headers_(headers), layout_(Alignment(columns_)) {}

  void Print(const Page& page) override {
    if (!page.empty()) PrintRows(page);
  }

  // An empty list still shows what would have been in it.
  void Finish() override {
    if (headers_) PrintRows({});
  }

 private:
  void PrintRows(const Page& page) {
    std::vector<std::vector<std::string>> rows;
    if (headers_) rows.push_back(Headers());
    headers_ = false;
    for (const google::protobuf::Message* record : page) rows.push_back(Cells(*record));
    for (const auto& row : rows) layout_.Fit(row);
    for (const auto& row : rows) out_ << layout_.Line(row) << '\n';
  }

  static std::vector<bool> Alignment(const std::vector<const Column*>& columns) {
    std::vector<bool> right;
    for (const Column* column : columns) right.push_back(column->right_aligned);
    return right;
  }

  std::vector<std::string> Headers() const {
    std::vector<std::string> cells;
    for (const Column* column : columns_) cells.push_back(column->Header());
    return cells;
  }

  // An empty cell is "-", so that no column vanishes from a row.
  std::vector<std::string> Cells(const google::protobuf::Message& record) const {
    std::vector<std::string> cells;
    for (const Column* column : columns_) {
      std::string cell = column->value(record);
      cells.push_back(cell.empty() ? "-" : std::move(cell));
    }
    return cells;
  }

  std::ostream& out_;
  const std::vector<const Column*> columns_;
  bool headers_;
  TableLayout layout_;
};

}  // namespace

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

std::unique_ptr<RecordPrinter> NewTablePrinter(std::ostream& out,
                                               std::vector<const Column*> columns, bool headers) {
  return std::make_unique<TablePrinter>(out, std::move(columns), headers);
}

}  // namespace sasd::cli
