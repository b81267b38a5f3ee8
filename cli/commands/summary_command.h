#ifndef CLI_COMMANDS_SUMMARY_COMMAND_H_
#define CLI_COMMANDS_SUMMARY_COMMAND_H_

#include "absl/status/status.h"
#include "cli/query/context.h"

namespace sasd::cli {

// Prints the node at a glance: a line for each host and enclosure, then the worst findings.
absl::Status RunSummary(const Context& context);

}  // namespace sasd::cli

#endif  // CLI_COMMANDS_SUMMARY_COMMAND_H_
