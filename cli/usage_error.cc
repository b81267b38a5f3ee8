#include "cli/usage_error.h"

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "rpc/did_you_mean.h"

namespace sasd::cli {
namespace {

std::string Joined(absl::string_view path, absl::string_view word) {
  return path.empty() ? std::string(word) : absl::StrCat(path, " ", word);
}

}  // namespace

std::string UnknownCommand(const Command& parent, absl::string_view word) {
  std::vector<std::string> names;
  for (const auto& command : parent.commands) {
    names.push_back(command->name);
    names.insert(names.end(), command->aliases.begin(), command->aliases.end());
  }
  return absl::StrCat("unknown command \"", Joined(parent.path, word), "\"",
                      rpc::DidYouMean(word, names));
}

std::string LacksCommand(const Command& parent) {
  return absl::StrCat(parent.path, " lacks a command (",
                      absl::StrJoin(parent.commands, ", ",
                                    [](std::string* out, const auto& command) {
                                      absl::StrAppend(out, command->name);
                                    }),
                      ")");
}

std::string UnknownOption(const Command& root, const Command& command, absl::string_view typed) {
  std::vector<std::string> names = {"--help"};
  for (const Command* each : {&command, &root}) {
    for (const auto& option : each->options) names.push_back(option->name);
    if (each == &root) break;
  }
  // One letter is close to every other one.
  return absl::StrCat("unknown option \"", typed, "\"",
                      absl::StartsWith(typed, "--") ? rpc::DidYouMean(typed, names) : "");
}

std::string WithHint(absl::string_view message, const Command& command) {
  if (absl::EndsWith(message, "?")) return std::string(message);
  return absl::StrCat(message, "; see ", Joined("sasctl", Joined(command.path, "--help")));
}

}  // namespace sasd::cli
