#ifndef CLI_COMMANDS_NODE_COMMAND_H_
#define CLI_COMMANDS_NODE_COMMAND_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "cli/query/context.h"

// Commands about sasd itself.
namespace sasd::cli {

struct StatusOptions {
  std::string output = "table";  // "table": its fields, one a line
};

// Prints what sasd tells of itself: version, backend, revision, what the log holds.
absl::Status RunStatus(const StatusOptions& options, const Context& context);

struct WaitOptions {
  bool settled = false;
  std::vector<std::string> hosts;  // whatever people call them; empty for all
};

// Waits, for the endpoint's timeout at most, until discovery has settled. kDeadlineExceeded names
// the hosts that have not. Tries again while nobody listens at the address yet.
absl::Status RunWait(const WaitOptions& options, const Context& context);

}  // namespace sasd::cli

#endif  // CLI_COMMANDS_NODE_COMMAND_H_
