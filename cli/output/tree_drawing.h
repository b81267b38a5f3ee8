#ifndef CLI_OUTPUT_TREE_DRAWING_H_
#define CLI_OUTPUT_TREE_DRAWING_H_

#include <string>
#include <vector>

namespace sasd::cli {

// A line of a tree, and the lines below it.
struct TreeNode {
  // Drawn between the corner and the text: "8x--". May be empty.
  std::string link;
  // The width of `link` on the screen if it has colour codes; else 0.
  size_t link_width = 0;
  std::string text;
  // Represents several nodes: "-- 50 x end_device -- disk".
  bool folded = false;
  std::vector<TreeNode> children;
};

// Draws the tree in the style of sas_discover; each line ends with '\n':
//
//   node
//   |--host1 HBA 9500-16e
//   |  `--8x--expander-1:0 ASTEK
//   |         |--1x--end_device-1:0:0
//   |         |      `--enclosure io8-sassw2 ASTEK
//   |         `--10x--expander-1:9 HGST
//   |            `-- 50 x end_device -- disk
//   `--host10 HBA 9500-16e
//
// Children are below the text of their parent; if all of them are folded, below its corner.
std::string DrawTree(const TreeNode& root);

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_TREE_DRAWING_H_
