#ifndef CLI_OUTPUT_EVENT_LINES_H_
#define CLI_OUTPUT_EVENT_LINES_H_

#include <memory>
#include <ostream>

#include "cli/output/event_printer.h"
#include "cli/output/paint.h"

namespace sasd::cli {

// Prints one line per change:
//   r42 02:11:09.123 - device 5000c500a7b26111  5000ccab.../4, sdb, SEAGATE ...  was attached  (phy
//   5 ...)
// The signs: + appeared, ~ changed (with the values before and after), - gone, = in the snapshot, !
// notice, * an event that changed nothing. Gaps stand out as "--- gap: ... ---".
std::unique_ptr<EventPrinter> NewEventLinePrinter(std::ostream& out, Paint paint);

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_EVENT_LINES_H_
