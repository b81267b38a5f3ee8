#ifndef CLI_COMMANDS_SUMMARY_COMMAND_H_
#define CLI_COMMANDS_SUMMARY_COMMAND_H_

#include <string>

#include "absl/status/status.h"
#include "cli/query/context.h"

namespace sasd::cli {

struct SummaryOptions {
  std::string output = "table";  // or json, jsonl, yaml
};

// Prints the node at a glance: a line for each host and enclosure, then the worst findings.
absl::Status RunSummary(const SummaryOptions& options, const Context& context);

}  // namespace sasd::cli

#endif  // CLI_COMMANDS_SUMMARY_COMMAND_H_
