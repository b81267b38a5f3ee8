#include "cli/command.h"

#include "absl/algorithm/container.h"

namespace sasd::cli {

const Command* Command::Find(absl::string_view word) const {
  for (const auto& command : commands) {
    if (command->name == word || absl::c_linear_search(command->aliases, word)) {
      return command.get();
    }
  }
  return nullptr;
}

const Option* Command::FindOption(absl::string_view typed) const {
  if (typed.empty()) return nullptr;
  for (const auto& option : options) {
    if (option->name == typed || option->short_name == typed) return option.get();
  }
  return nullptr;
}

}  // namespace sasd::cli
