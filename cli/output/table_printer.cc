#include "cli/output/table_printer.h"

#include <string>
#include <utility>

#include "cli/output/table_layout.h"

namespace sasd::cli {
namespace {

class TablePrinter : public RecordPrinter {
 public:
  TablePrinter(std::ostream& out, std::vector<const Column*> columns, bool headers)
      : out_(out), columns_(std::move(columns)), headers_(headers), layout_(Alignment(columns_)) {}

  void Print(const Page& page) override {
    if (!page.empty()) PrintRows(page);
  }

  // An empty list still gets its headers.
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

  // An empty cell is "-", so that every row has all columns.
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

std::unique_ptr<RecordPrinter> NewTablePrinter(std::ostream& out,
                                               std::vector<const Column*> columns, bool headers) {
  return std::make_unique<TablePrinter>(out, std::move(columns), headers);
}

}  // namespace sasd::cli
