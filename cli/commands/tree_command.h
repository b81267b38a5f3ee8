#ifndef CLI_COMMANDS_TREE_COMMAND_H_
#define CLI_COMMANDS_TREE_COMMAND_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "cli/query/context.h"

namespace sasd::cli {

struct TreeOptions {
  int verbosity = 0;
  std::vector<std::string> hosts;  // any names of theirs; empty for all
};

// Draws the topology.
absl::Status RunTree(const TreeOptions& options, const Context& context);

}  // namespace sasd::cli

#endif  // CLI_COMMANDS_TREE_COMMAND_H_
