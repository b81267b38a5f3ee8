#ifndef CLI_HELP_TEXT_H_
#define CLI_HELP_TEXT_H_

#include <string>

#include "cli/command.h"

namespace sasd::cli {

// What --help prints of a command: what it does, how it is used, arguments, options, commands and
// examples, in lines of at most 80 columns where words allow it. packaging/man/make_man.py reads
// it.
std::string HelpText(const Command& root, const Command& command);

}  // namespace sasd::cli

#endif  // CLI_HELP_TEXT_H_
