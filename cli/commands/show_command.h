#ifndef CLI_COMMANDS_SHOW_COMMAND_H_
#define CLI_COMMANDS_SHOW_COMMAND_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "cli/query/context.h"

namespace sasd::cli {

struct ShowOptions {
  // "OBJECT", or "NOUN OBJECT".
  std::vector<std::string> words;
  std::string output = "table";  // "table": its fields, one per line
  bool sources = false;          // show what each source reports for each field instead
};

// Shows all fields of one object.
absl::Status RunShow(const ShowOptions& options, const Context& context);

}  // namespace sasd::cli

#endif  // CLI_COMMANDS_SHOW_COMMAND_H_
