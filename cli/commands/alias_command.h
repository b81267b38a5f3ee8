#ifndef CLI_COMMANDS_ALIAS_COMMAND_H_
#define CLI_COMMANDS_ALIAS_COMMAND_H_

#include <string>

#include "absl/status/status.h"
#include "cli/query/context.h"

namespace sasd::cli {

struct AliasOptions {
  std::string object;  // any name of a host or an enclosure
  std::string alias;
  std::string output = "table";
};

// Lists the aliases of hosts and enclosures, also of those that are not there.
absl::Status RunListAliases(const AliasOptions& options, const Context& context);

// Gives the object the alias, in place of an earlier one.
absl::Status RunSetAlias(const AliasOptions& options, const Context& context);

// Takes the alias from the object.
absl::Status RunRemoveAlias(const AliasOptions& options, const Context& context);

}  // namespace sasd::cli

#endif  // CLI_COMMANDS_ALIAS_COMMAND_H_
