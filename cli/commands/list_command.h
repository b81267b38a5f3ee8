#ifndef CLI_COMMANDS_LIST_COMMAND_H_
#define CLI_COMMANDS_LIST_COMMAND_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "cli/query/context.h"

namespace sasd::cli {

struct ListOptions {
  std::string noun;
  std::vector<std::string> names;  // only these objects, by any name; empty for all
  std::vector<std::string> filters;
  std::string output = "table";
  std::string columns;  // comma-separated; empty for the default ones
  bool headers = true;
  // Columns, comma-separated: the first decides. They, and `reverse`, take all objects into memory.
  std::string sort_by;
  bool reverse = false;
  bool watch = false;  // list again at each change, until interrupted; a terminal is redrawn
  // Of hosts: also SCSI hosts that the topology does not show, and devices that are no SAS objects.
  bool all = false;
};

// Lists objects of one kind, page by page. Prints to stderr that none match. Lists what it finds of
// `names`; the error is about the others.
absl::Status RunList(const ListOptions& options, const Context& context);

}  // namespace sasd::cli

#endif  // CLI_COMMANDS_LIST_COMMAND_H_
