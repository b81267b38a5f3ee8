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
  std::string from;              // a resume token, or a revision; empty: from now on
  bool snapshot = false;         // also what is there already
  int64_t count = 0;             // ends after so many events; 0: never
  std::vector<std::string> filters;
  bool reconnect = false;
};

// Follows the changes until interrupted, counted out, or cut off. Always tells on stderr where to
// resume.
absl::Status RunWatch(const WatchOptions& options, const Context& context);

struct EventsOptions {
  std::string output = "table";  // lines
  int64_t after = 0;             // a revision; 0: all that the log has
  int32_t last = 0;              // only the newest so many; 0: all
  std::vector<std::string> filters;
};

// Prints what the log has.
absl::Status RunEvents(const EventsOptions& options, const Context& context);

}  // namespace sasd::cli

#endif  // CLI_COMMANDS_WATCH_COMMAND_H_
