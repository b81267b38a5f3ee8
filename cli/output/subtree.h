#ifndef CLI_OUTPUT_SUBTREE_H_
#define CLI_OUTPUT_SUBTREE_H_

#include <vector>

#include "cli/output/tree_snapshot.h"
#include "sas/v1/resources.pb.h"

namespace sasd::cli {

// The part of a topology that leads to these objects and hangs below them. An enclosure stands for
// its expanders and what sits in it, a drive for its paths, a port or a phy for what is beyond its
// link, a slot for what it holds.
TreeSnapshot Subtree(const TreeSnapshot& all, const std::vector<sas::v1::Resource>& objects);

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_SUBTREE_H_
