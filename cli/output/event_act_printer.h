#ifndef CLI_OUTPUT_EVENT_ACT_PRINTER_H_
#define CLI_OUTPUT_EVENT_ACT_PRINTER_H_

#include <memory>
#include <ostream>

#include "cli/output/event_printer.h"
#include "cli/output/event_style.h"

namespace sasd::cli {

// Prints one line per act (event_acts.h):
//   r90 02:11:09.123 - drive ZA1 removed from JBOD24/3 (sdx), both paths: end device not responding
// Holds an act on a drive back until Flush() or another act, for at most 2 s of the events' time:
// it may go on over another host. The line has the revision and the time of its end. A terminal
// gets lines that fit.
std::unique_ptr<EventPrinter> NewEventActPrinter(std::ostream& out, const EventStyle& style);

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_EVENT_ACT_PRINTER_H_
