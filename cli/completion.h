#ifndef CLI_COMPLETION_H_
#define CLI_COMPLETION_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sasd::cli {

// A script that completes the command line of sasctl in "bash", "zsh" or "fish". It runs `sasctl
// __complete` (complete.h), so it cannot go stale. Error: kInvalidArgument for another shell.
absl::StatusOr<std::string> CompletionScript(absl::string_view shell);

}  // namespace sasd::cli

#endif  // CLI_COMPLETION_H_
