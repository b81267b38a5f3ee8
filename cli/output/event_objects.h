#ifndef CLI_OUTPUT_EVENT_OBJECTS_H_
#define CLI_OUTPUT_EVENT_OBJECTS_H_

#include <memory>
#include <ostream>

#include "cli/output/event_printer.h"

namespace sasd::cli {

// Prints one JSON object per line: each event in protobuf's JSON (with "revision"), and
// {"snapshot": {"revision", "resource"}}, {"synced": {"revision", "resumeToken"}},
// {"gap": {"sentRevision", "revision", "reason"}} and
// {"lost": {"firstRevision", "lastRevision", "reason"}}.
std::unique_ptr<EventPrinter> NewEventJsonlPrinter(std::ostream& out);

// Prints the same objects as YAML documents.
std::unique_ptr<EventPrinter> NewEventYamlPrinter(std::ostream& out);

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_EVENT_OBJECTS_H_
