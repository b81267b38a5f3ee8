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

// Prints the state of sasd: version, backend, revision, extent of the log.
absl::Status RunStatus(const StatusOptions& options, const Context& context);

struct WaitOptions {
  bool settled = false;
  std::vector<std::string> hosts;  // any names of theirs; empty for all
};

// Waits until discovery has settled, at most for the endpoint's timeout. Retries while sasd does
// not listen yet. Error: kDeadlineExceeded names the hosts that have not settled.
absl::Status RunWait(const WaitOptions& options, const Context& context);

}  // namespace sasd::cli

#endif  // CLI_COMMANDS_NODE_COMMAND_H_
