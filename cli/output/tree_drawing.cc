#include "cli/output/tree_drawing.h"

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"

namespace sasd::cli {
namespace {

constexpr size_t kCornerWidth = 3;  // "|--"

size_t IndentOfChildren(const TreeNode& node) {
  const bool all_folded =
      absl::c_all_of(node.children, [](const TreeNode& child) { return child.folded; });
  if (all_folded) return kCornerWidth;
  return kCornerWidth + (node.link_width > 0 ? node.link_width : node.link.size());
}

void DrawChildren(const TreeNode& parent, const std::string& prefix, std::string& out) {
  for (size_t i = 0; i < parent.children.size(); ++i) {
    const TreeNode& node = parent.children[i];
    const bool last = i + 1 == parent.children.size();
    absl::StrAppend(&out, prefix, last ? "`--" : "|--", node.link, node.text, "\n");
    const std::string below = std::string(IndentOfChildren(node) - 1, ' ');
    DrawChildren(node, absl::StrCat(prefix, last ? " " : "|", below), out);
  }
}

}  // namespace

std::string DrawTree(const TreeNode& root) {
  std::string out = absl::StrCat(root.text, "\n");
  DrawChildren(root, "", out);
  return out;
}

}  // namespace sasd::cli
