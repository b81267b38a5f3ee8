#ifndef CLI_PARSER_H_
#define CLI_PARSER_H_

#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"

namespace sasd::cli {

struct ParsedLine {
  const Command* command;   // the innermost one; the root for none
  bool wants_help = false;  // --help, or `help COMMAND`
};

struct UsageError {
  std::string message;     // one sentence, without "sasctl: "
  const Command* command;  // as far as the line makes sense
};

// Reads the words of a command line into the variables of the grammar. Options may stand anywhere,
// those of the root behind any command: "--name VALUE", "--name=VALUE", "-n VALUE", "-nVALUE",
// flags joined as in "-vv". What follows "--" is no option. With `wants_help`, nothing need be
// complete. The command borrows from the root.
std::optional<UsageError> Parse(const Command& root, const std::vector<std::string>& words,
                                ParsedLine* line);

}  // namespace sasd::cli

#endif  // CLI_PARSER_H_
