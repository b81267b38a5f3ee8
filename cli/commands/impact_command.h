#ifndef CLI_COMMANDS_IMPACT_COMMAND_H_
#define CLI_COMMANDS_IMPACT_COMMAND_H_

#include <string>

#include "absl/status/status.h"
#include "cli/query/context.h"

namespace sasd::cli {

struct ImpactOptions {
  std::string object;            // any name of it
  std::string output = "table";  // a summary, then a line for each drive; json, jsonl, yaml, name
};

// Prints which drives would lose a path, and which would lose all, without the object: a host, an
// expander, an enclosure, a port or a phy (for their link), a drive, a slot. A phy of a wide link
// costs width and no path.
absl::Status RunImpact(const ImpactOptions& options, const Context& context);

}  // namespace sasd::cli

#endif  // CLI_COMMANDS_IMPACT_COMMAND_H_
