#ifndef CLI_OUTPUT_TABLE_PRINTER_H_
#define CLI_OUTPUT_TABLE_PRINTER_H_

#include <memory>
#include <ostream>
#include <vector>

#include "cli/output/columns.h"
#include "cli/output/record_printer.h"

namespace sasd::cli {

// A table with aligned columns. The first page gives the widths; a later page that needs more gets
// more. The columns outlive the printer.
std::unique_ptr<RecordPrinter> NewTablePrinter(std::ostream& out,
                                               std::vector<const Column*> columns, bool headers);

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_TABLE_PRINTER_H_
