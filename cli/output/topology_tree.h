#ifndef CLI_OUTPUT_TOPOLOGY_TREE_H_
#define CLI_OUTPUT_TOPOLOGY_TREE_H_

#include <string>

#include "cli/output/paint.h"
#include "cli/output/tree_drawing.h"
#include "cli/output/tree_snapshot.h"

namespace sasd::cli {

struct TreeStyle {
  // 0: fold similar devices; 1: draw each device; 2: add addresses and handles.
  int verbosity = 0;
  Paint paint;
};

// Builds the tree of a node for DrawTree(). An object with an unknown parent is below its host. An
// object that no host leads to (a loop of parents) is left out.
TreeNode BuildTree(const std::string& node_name, const TreeSnapshot& snapshot,
                   const TreeStyle& style);

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_TOPOLOGY_TREE_H_
