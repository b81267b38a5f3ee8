#ifndef CLI_QUERY_TREE_READER_H_
#define CLI_QUERY_TREE_READER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/output/tree_snapshot.h"
#include "cli/query/context.h"
#include "sas/v1/resources.pb.h"

namespace sasd::cli {

// Reads the resources of these kinds through Watch, so that all of them have one revision. Keeps
// none of a kind that TreeSnapshot does not have. `hosts`: resource names; empty for all. Errors:
// as FromRpc().
absl::StatusOr<TreeSnapshot> ReadTreeSnapshot(const Context& context,
                                              const std::vector<sas::v1::ResourceKind>& kinds,
                                              const std::vector<std::string>& hosts);

}  // namespace sasd::cli

#endif  // CLI_QUERY_TREE_READER_H_
