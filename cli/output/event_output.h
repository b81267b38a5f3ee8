#ifndef CLI_OUTPUT_EVENT_OUTPUT_H_
#define CLI_OUTPUT_EVENT_OUTPUT_H_

#include <memory>
#include <ostream>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/output/event_printer.h"
#include "cli/output/event_style.h"

namespace sasd::cli {

// The printer for a word of -o: lines for "table" and "wide", one object per line for "json" and
// "jsonl", documents for "yaml". Error: kInvalidArgument for any other.
absl::StatusOr<std::unique_ptr<EventPrinter>> NewEventPrinter(absl::string_view output,
                                                              std::ostream& out,
                                                              const EventStyle& style);

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_EVENT_OUTPUT_H_
