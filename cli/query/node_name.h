#ifndef CLI_QUERY_NODE_NAME_H_
#define CLI_QUERY_NODE_NAME_H_

#include <string>

#include "absl/status/statusor.h"
#include "cli/query/context.h"

namespace sasd::cli {

// The name of sasd's node; its address where it has none. Errors: as FromRpc().
absl::StatusOr<std::string> ReadNodeName(const Context& context);

}  // namespace sasd::cli

#endif  // CLI_QUERY_NODE_NAME_H_
