#ifndef CLI_OUTPUT_TABLE_PRINTER_H_
#define CLI_OUTPUT_TABLE_PRINTER_H_

#include <memory>
#include <ostream>
#include <vector>

#include "cli/output/columns.h"
#include "cli/output/place_names.h"
#include "cli/output/record_printer.h"
#include "cli/output/screen.h"

namespace sasd::cli {

struct TableStyle {
  bool headers = true;
  // On a terminal: lines fit, and a column that is empty in all rows of a page is left out. A later
  // page that needs it begins with headers again.
  Screen screen = {};
  // Keep empty columns: the user has chosen them.
  bool keeps_empty = false;
  // The aliases that stand for identifiers of hosts and enclosures.
  PlaceNames names = {};
};

// Prints a table with aligned columns. The first page sets the widths; a later page may widen them.
// The columns must outlive the printer.
std::unique_ptr<RecordPrinter> NewTablePrinter(std::ostream& out,
                                               std::vector<const Column*> columns,
                                               const TableStyle& style);

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_TABLE_PRINTER_H_
