#ifndef CLI_USAGE_ERROR_H_
#define CLI_USAGE_ERROR_H_

#include <string>

#include "absl/strings/string_view.h"
#include "cli/command.h"

// What is wrong with a command line, in words. Pure functions.
namespace sasd::cli {

// `unknown command "emulator pul"; did you mean "pull"?`. `parent`: where it was looked for.
std::string UnknownCommand(const Command& parent, absl::string_view word);
// "baseline lacks a command (show, accept)".
std::string LacksCommand(const Command& parent);
// `unknown option "--colmns"; did you mean "--columns"?`
std::string UnknownOption(const Command& root, const Command& command, absl::string_view typed);

// The message with the command whose help shows more: "...; see sasctl list --help". A question
// needs none.
std::string WithHint(absl::string_view message, const Command& command);

}  // namespace sasd::cli

#endif  // CLI_USAGE_ERROR_H_
