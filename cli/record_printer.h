#ifndef CLI_RECORD_PRINTER_H_
#define CLI_RECORD_PRINTER_H_

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/columns.h"
#include "google/protobuf/message.h"

namespace sasd::cli {

enum class Output { kTable, kWide, kJson, kJsonl, kYaml, kName };

// kInvalidArgument names the unknown one, what is close, and all there are.
absl::StatusOr<Output> ParseOutput(absl::string_view word);

// Writes a message that stands alone as JSON (indented or a line) or YAML. False, and nothing is
// written, where `output` is none of these.
bool PrintMessage(const google::protobuf::Message& message, Output output, std::ostream& out);

// Writes resources of one kind, page after page; keeps none of them.
class RecordPrinter {
 public:
  using Page = std::vector<const google::protobuf::Message*>;

  virtual ~RecordPrinter() = default;
  virtual void Print(const Page& page) = 0;
  // After the last page; also when there was none.
  virtual void Finish() {}
};

// A table with aligned columns. The first page gives the widths; a later page that needs more gets
// more. The columns outlive the printer.
std::unique_ptr<RecordPrinter> NewTablePrinter(std::ostream& out,
                                               std::vector<const Column*> columns, bool headers);
// One JSON array of all, an element a line.
std::unique_ptr<RecordPrinter> NewJsonPrinter(std::ostream& out);
// One JSON object a line.
std::unique_ptr<RecordPrinter> NewJsonlPrinter(std::ostream& out);
// One YAML list of all.
std::unique_ptr<RecordPrinter> NewYamlPrinter(std::ostream& out);
// One resource name a line.
std::unique_ptr<RecordPrinter> NewNamePrinter(std::ostream& out);

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

#endif  // CLI_RECORD_PRINTER_H_
