#ifndef CLI_QUERY_TREE_READER_H_
#define CLI_QUERY_TREE_READER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/output/tree_snapshot.h"
#include "cli/query/context.h"

namespace sasd::cli {

// Reads the topology through Watch, so that all of it has one revision. `hosts`: resource names;
// empty for all. Errors: as FromRpc().
absl::StatusOr<TreeSnapshot> ReadTreeSnapshot(const Context& context,
                                              const std::vector<std::string>& hosts);

}  // namespace sasd::cli

#endif  // CLI_QUERY_TREE_READER_H_
