#ifndef CLI_OUTPUT_TOPOLOGY_TREE_H_
#define CLI_OUTPUT_TOPOLOGY_TREE_H_

#include <string>

#include "cli/output/paint.h"
#include "cli/output/tree_drawing.h"
#include "cli/output/tree_snapshot.h"

namespace sasd::cli {

struct TreeStyle {
  // 0 folds devices that are alike; 1 draws each; 2 adds addresses and handles.
  int verbosity = 0;
  Paint paint;
};

// The tree of a node, to be drawn with DrawTree(). Whatever has an unknown parent hangs below its
// host; whatever cannot be reached from a host (a loop of parents) is left out.
TreeNode BuildTree(const std::string& node_name, const TreeSnapshot& snapshot,
                   const TreeStyle& style);

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_TOPOLOGY_TREE_H_
