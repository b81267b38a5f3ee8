#ifndef CLI_RUN_H_
#define CLI_RUN_H_

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/output/screen.h"
#include "cli/output/wall_clock.h"
#include "cli/query/connection.h"
#include "cli/query/context.h"
#include "cli/query/contexts.h"
#include "cli/query/interrupt.h"

namespace sasd::cli {

// The surroundings of one run of sasctl. The references must outlive it.
struct Environment {
  std::ostream& out;
  std::ostream& err;
  Interrupt& interrupt;
  bool colour = false;    // `out` is a terminal that shows colours
  Connection connection;  // of the environment; its address may be empty
  // Creates the channel of a connection. Errors: those of MakeCredentials().
  std::function<absl::StatusOr<std::shared_ptr<grpc::ChannelInterface>>(
      const Connection& connection)>
      connect;
  WallClock clock = {};
  ContextsPlace contexts = {};  // where the named contexts are
  Screen screen = {};
  // errno of the first write to `out` that failed, 0 for none. Null: not known.
  std::function<int()> write_error = nullptr;
  // Sends what follows on `out` through a pager. Null: there is none.
  std::function<void()> start_pager = nullptr;
};

// Runs `sasctl ARGUMENTS` (without the program's name). Returns an exit code of rpc_error.h, or of
// health_command.h for `health` and `doctor`. Prints an error as one line to `err`. A write to
// `out` that failed is an error, unless its reader has closed it.
int Run(const std::vector<std::string>& arguments, const Environment& environment);

}  // namespace sasd::cli

#endif  // CLI_RUN_H_
