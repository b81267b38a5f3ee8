#include "cli/output/tree_drawing.h"

#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace sasd::cli {
namespace {

TreeNode Node(const std::string& link, const std::string& text,
              std::vector<TreeNode> children = {}) {
  TreeNode node;
  node.link = link;
  node.text = text;
  node.children = std::move(children);
  return node;
}

TreeNode Folded(const std::string& text) {
  TreeNode node = Node("", text);
  node.folded = true;
  return node;
}

TEST(DrawTreeTest, ALoneRootIsOneLine) { EXPECT_EQ(DrawTree(Node("", "node")), "node\n"); }

TEST(DrawTreeTest, ChildrenAreBelowTheParentsText) {
  const TreeNode tree =
      Node("", "node",
           {Node("", "host1",
                 {Node("8x--", "expander-1:0",
                       {Node("1x--", "end_device-1:0:0", {Node("", "enclosure")}),
                        Node("10x--", "expander-1:9", {Node("1x--", "end_device-1:9:0")})})}),
            Node("", "host10")});
  EXPECT_EQ(DrawTree(tree),
            "node\n"
            "|--host1\n"
            "|  `--8x--expander-1:0\n"
            "|         |--1x--end_device-1:0:0\n"
            "|         |      `--enclosure\n"
            "|         `--10x--expander-1:9\n"
            "|                 `--1x--end_device-1:9:0\n"
            "`--host10\n");
}

TEST(DrawTreeTest, FoldedChildrenAreBelowTheCorner) {
  const TreeNode tree = Node("", "node",
                             {Node("10x--", "a", {Folded(" 50 x disk"), Folded("  1 x enclosure")}),
                              Node("10x--", "b", {Folded("  7 x disk"), Node("4x--", "c")})});
  EXPECT_EQ(DrawTree(tree),
            "node\n"
            "|--10x--a\n"
            "|  |-- 50 x disk\n"
            "|  `--  1 x enclosure\n"
            "`--10x--b\n"
            "        |--  7 x disk\n"
            "        `--4x--c\n");
}

TEST(DrawTreeTest, ColourCodesHaveNoWidth) {
  TreeNode link = Node("\033[33m2x\033[0m--", "a", {Node("", "b")});
  link.link_width = 4;
  EXPECT_EQ(DrawTree(Node("", "node", {link})),
            "node\n"
            "`--\033[33m2x\033[0m--a\n"
            "       `--b\n");
}

}  // namespace
}  // namespace sasd::cli
