#include "cli/output/table_printer.h"

#include <string>
#include <utility>

#include "cli/output/table_layout.h"

namespace sasd::cli {
namespace {

using Row = std::vector<std::string>;

class TablePrinter : public RecordPrinter {
 public:
  TablePrinter(std::ostream& out, std::vector<const Column*> columns, const TableStyle& style)
      : out_(out),
        columns_(std::move(columns)),
        style_(style),
        hides_(style.screen.is_terminal() && !style.keeps_empty),
        headers_(style.headers),
        shown_(columns_.size(), !hides_),
        layout_(Alignment()) {}

  void Print(const Page& page) override {
    if (!page.empty()) PrintRows(page);
  }

  // An empty list still gets its headers.
  void Finish() override {
    if (!headers_) return;
    shown_.assign(columns_.size(), true);
    layout_ = TableLayout(Alignment());
    PrintRows({});
  }

 private:
  void PrintRows(const Page& page) {
    std::vector<Row> cells;
    for (const google::protobuf::Message* record : page) cells.push_back(Cells(*record));
    if (hides_ && Uncover(cells)) {
      layout_ = TableLayout(Alignment());
      headers_ = style_.headers;
    }
    std::vector<Row> rows;
    if (headers_) rows.push_back(Shown(Headers()));
    headers_ = false;
    for (const Row& row : cells) rows.push_back(Shown(row));
    for (const Row& row : rows) layout_.Fit(row);
    if (style_.screen.is_terminal()) layout_.NarrowTo(style_.screen.columns);
    for (const Row& row : rows) out_ << layout_.Line(row) << '\n';
  }

  // Shows the columns that have a value. Returns whether one of them was hidden before.
  bool Uncover(const std::vector<Row>& rows) {
    bool uncovered = false;
    for (const Row& row : rows) {
      for (size_t i = 0; i < row.size(); ++i) {
        if (shown_[i] || row[i] == "-") continue;
        shown_[i] = true;
        uncovered = true;
      }
    }
    return uncovered;
  }

  Row Shown(const Row& all) const {
    Row row;
    for (size_t i = 0; i < all.size(); ++i) {
      if (shown_[i]) row.push_back(all[i]);
    }
    return row;
  }

  std::vector<bool> Alignment() const {
    std::vector<bool> right;
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (shown_[i]) right.push_back(columns_[i]->right_aligned);
    }
    return right;
  }

  Row Headers() const {
    Row cells;
    for (const Column* column : columns_) cells.push_back(column->Header());
    return cells;
  }

  // An empty cell is "-", so that every row has all columns.
  Row Cells(const google::protobuf::Message& record) const {
    Row cells;
    for (const Column* column : columns_) {
      std::string cell = column->value(record);
      if (column->refers_to != sas::v1::RESOURCE_KIND_UNSPECIFIED) {
        cell = style_.names.InCell(column->refers_to, cell);
      }
      cells.push_back(cell.empty() ? "-" : std::move(cell));
    }
    return cells;
  }

  std::ostream& out_;
  const std::vector<const Column*> columns_;
  const TableStyle style_;
  const bool hides_;
  bool headers_;             // still to print
  std::vector<bool> shown_;  // of columns_
  TableLayout layout_;
};

}  // namespace

std::unique_ptr<RecordPrinter> NewTablePrinter(std::ostream& out,
                                               std::vector<const Column*> columns,
                                               const TableStyle& style) {
  return std::make_unique<TablePrinter>(out, std::move(columns), style);
}

}  // namespace sasd::cli
