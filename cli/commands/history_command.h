#ifndef CLI_COMMANDS_HISTORY_COMMAND_H_
#define CLI_COMMANDS_HISTORY_COMMAND_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "cli/query/context.h"

namespace sasd::cli {

struct HistoryOptions {
  std::string output = "table";
  std::string object;    // any name; also of what is gone
  int64_t last = 0;      // only this many entries, the newest; 0: all
  bool reverse = false;  // the newest first
};

// Prints what happened to one object: where a drive has been, or who sat in a slot, and each entry
// of its past.
absl::Status RunHistory(const HistoryOptions& options, const Context& context);

struct DiffOptions {
  std::string output = "table";  // lines
  std::string since;             // a revision, or a time as for ParseTime()
  std::vector<std::string> filters;
};

// Prints what differs between then and now.
absl::Status RunDiff(const DiffOptions& options, const Context& context);

}  // namespace sasd::cli

#endif  // CLI_COMMANDS_HISTORY_COMMAND_H_
