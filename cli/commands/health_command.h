#ifndef CLI_COMMANDS_HEALTH_COMMAND_H_
#define CLI_COMMANDS_HEALTH_COMMAND_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/query/context.h"

namespace sasd::cli {

// Exit codes of `health` and `doctor`: those of monitoring plugins.
constexpr int kHealthOk = 0;
constexpr int kHealthWarning = 1;
constexpr int kHealthCritical = 2;
constexpr int kHealthUnknown = 3;

struct HealthCommandOptions {
  std::string output = "table";    // "table": a summary line, then a line per finding
  std::vector<std::string> hosts;  // any names of theirs; empty for all
  bool all = false;                // also what follows from another finding, and what is dismissed
};

// Prints the findings, and returns the exit code of the node's status. An error means
// kHealthUnknown.
absl::StatusOr<int> RunHealth(const HealthCommandOptions& options, const Context& context);

}  // namespace sasd::cli

#endif  // CLI_COMMANDS_HEALTH_COMMAND_H_
