#ifndef CLI_COMPLETE_H_
#define CLI_COMPLETE_H_

#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/run.h"

namespace sasd::cli {

// What the completion scripts run: `sasctl __complete WORDS`.
inline constexpr char kCompleteCommand[] = "__complete";

// Prints the words that may stand in place of the last of `words` (which may be empty), one a line,
// each with what must precede it: "state=failed". `words`: what was typed after "sasctl". Asks
// sasd, which --addr or --context among the words may name, for objects and values, for at most a
// second; without an answer it knows only words of its own. Returns 0.
int Complete(const Command& root, std::vector<std::string> words, const Environment& environment);

}  // namespace sasd::cli

#endif  // CLI_COMPLETE_H_
