#ifndef CLI_COMMANDS_EVENTS_COMMAND_H_
#define CLI_COMMANDS_EVENTS_COMMAND_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "cli/query/context.h"

namespace sasd::cli {

struct EventsOptions {
  std::string output = "table";      // lines
  bool verbose = false;              // a line per change, not per act
  std::vector<std::string> objects;  // only events that changed one of them; empty: all
  std::string since, until;          // times as for ParseTime(); empty: no bound
  int64_t after = 0;                 // only events after this revision; 0: all
  int32_t last = 0;                  // only this many, the newest that pass; 0: all
  bool reverse = false;              // the newest first
  std::vector<std::string> causes;   // words, comma-separated; empty: all
  std::string severity;              // the least: info, warning or critical; empty: all
  std::vector<std::string> filters;
};

// Prints the events of the history, and where it has gaps.
absl::Status RunEvents(const EventsOptions& options, const Context& context);

}  // namespace sasd::cli

#endif  // CLI_COMMANDS_EVENTS_COMMAND_H_
