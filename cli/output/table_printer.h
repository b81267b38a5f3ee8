#ifndef CLI_OUTPUT_TABLE_PRINTER_H_
#define CLI_OUTPUT_TABLE_PRINTER_H_

#include <memory>
#include <ostream>
#include <vector>

#include "cli/output/columns.h"
#include "cli/output/record_printer.h"

namespace sasd::cli {

// Prints a table with aligned columns. The first page sets the widths; a later page may widen them.
// The columns must outlive the printer.
std::unique_ptr<RecordPrinter> NewTablePrinter(std::ostream& out,
                                               std::vector<const Column*> columns, bool headers);

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_TABLE_PRINTER_H_
