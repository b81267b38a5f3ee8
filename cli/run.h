#ifndef CLI_RUN_H_
#define CLI_RUN_H_

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "cli/output/wall_clock.h"
#include "cli/query/context.h"
#include "cli/query/interrupt.h"

namespace sasd::cli {

// The surroundings of one run of sasctl. The references must outlive it.
struct Environment {
  std::ostream& out;
  std::ostream& err;
  Interrupt& interrupt;
  bool colour = false;  // `out` is a terminal that shows colours
  std::string address;  // $SASD_ADDR; may be empty
  // Creates the stubs for an address.
  std::function<Stubs(const std::string& address)> connect;
  WallClock clock = {};
};

// Runs `sasctl ARGUMENTS` (without the program's name). Returns an exit code of rpc_error.h, or of
// health_command.h for `health` and `doctor`. Prints an error as one line to `err`.
int Run(const std::vector<std::string>& arguments, const Environment& environment);

}  // namespace sasd::cli

#endif  // CLI_RUN_H_
