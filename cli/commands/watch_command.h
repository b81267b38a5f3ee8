#ifndef CLI_COMMANDS_WATCH_COMMAND_H_
#define CLI_COMMANDS_WATCH_COMMAND_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "cli/query/context.h"

namespace sasd::cli {

struct WatchOptions {
  std::string output = "table";  // lines
  bool verbose = false;          // a line per change, not per act
  std::string from;              // a resume token or a revision; empty to start now
  bool snapshot = false;         // print the current state first
  int64_t count = 0;             // stop after this many events; 0: never
  std::vector<std::string> filters;
  bool reconnect = false;
};

// Prints changes until interrupted, `count` is reached, or the stream ends. Prints to stderr where
// to resume.
absl::Status RunWatch(const WatchOptions& options, const Context& context);

}  // namespace sasd::cli

#endif  // CLI_COMMANDS_WATCH_COMMAND_H_
