#ifndef CLI_COMMANDS_BASELINE_COMMAND_H_
#define CLI_COMMANDS_BASELINE_COMMAND_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "cli/query/context.h"

namespace sasd::cli {

struct BaselineOptions {
  std::string output = "table";      // of `show`
  bool missing = false;              // of `show`: only what is missing
  std::vector<std::string> objects;  // of `accept`: any names; empty for all that is missing
};

// Prints what belongs to the node, missing objects first.
absl::Status RunShowBaseline(const BaselineOptions& options, const Context& context);
// Forgets what is missing, and prints it.
absl::Status RunAcceptBaseline(const BaselineOptions& options, const Context& context);

struct DismissOptions {
  std::string object;    // any name of it, also of one that is gone
  std::string reason;    // of `dismiss`
  std::string duration;  // of `dismiss`: "2h"; empty: until the object returns
};

absl::Status RunDismiss(const DismissOptions& options, const Context& context);
absl::Status RunUndismiss(const DismissOptions& options, const Context& context);

}  // namespace sasd::cli

#endif  // CLI_COMMANDS_BASELINE_COMMAND_H_
