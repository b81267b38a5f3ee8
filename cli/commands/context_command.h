#ifndef CLI_COMMANDS_CONTEXT_COMMAND_H_
#define CLI_COMMANDS_CONTEXT_COMMAND_H_

#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "cli/query/contexts.h"

// The commands about contexts ask no sasd.
namespace sasd::cli {

// Prints each context in a line: a mark for the current one, name, address, TLS.
absl::Status RunListContexts(const ContextsPlace& place, std::ostream& out);

// Makes `name` the current context in the file.
absl::Status RunUseContext(const ContextsPlace& place, const std::string& name, std::ostream& out);

// Prints the connection that a command with these options would use, and where the contexts are.
absl::Status RunShowContext(const GivenConnection& given, std::ostream& out);

}  // namespace sasd::cli

#endif  // CLI_COMMANDS_CONTEXT_COMMAND_H_
