#ifndef CLI_COMMANDS_TREE_COMMAND_H_
#define CLI_COMMANDS_TREE_COMMAND_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "cli/query/context.h"

namespace sasd::cli {

struct TreeOptions {
  int verbosity = 0;
  // Only what leads to these objects and hangs below them; any names of theirs. Empty for all.
  std::vector<std::string> objects;
};

// Draws the topology, and its totals.
absl::Status RunTree(const TreeOptions& options, const Context& context);

}  // namespace sasd::cli

#endif  // CLI_COMMANDS_TREE_COMMAND_H_
