#ifndef CLI_OUTPUT_EVENT_OBJECTS_H_
#define CLI_OUTPUT_EVENT_OBJECTS_H_

#include <memory>
#include <ostream>

#include "cli/output/event_printer.h"

namespace sasd::cli {

// One JSON object a line: each event as protobuf's JSON has it (it has "revision"), and
// {"snapshot": {"revision", "resource"}}, {"synced": {"revision", "resumeToken"}} and
// {"gap": {"sentRevision", "revision", "reason"}}.
std::unique_ptr<EventPrinter> NewEventJsonlPrinter(std::ostream& out);

// The same as YAML documents.
std::unique_ptr<EventPrinter> NewEventYamlPrinter(std::ostream& out);

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_EVENT_OBJECTS_H_
