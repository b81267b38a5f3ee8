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

// What the tree has, as one line without '\n': "2 hosts, 4 expanders, 2 enclosures, 36 drives with
// 68 paths". A drive counts once, however many paths it has.
std::string TreeTotals(const TreeSnapshot& snapshot);

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_TOPOLOGY_TREE_H_
