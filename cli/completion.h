#ifndef CLI_COMPLETION_H_
#define CLI_COMPLETION_H_

#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sasd::cli {

// A script that completes sasctl's commands, options and nouns in "bash" or "zsh". It is generated
// from the declared commands, so it cannot go stale. Error: kInvalidArgument for another shell.
absl::StatusOr<std::string> CompletionScript(absl::string_view shell, const CLI::App& app);

}  // namespace sasd::cli

#endif  // CLI_COMPLETION_H_
