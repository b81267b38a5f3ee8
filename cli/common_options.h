#ifndef CLI_COMMON_OPTIONS_H_
#define CLI_COMMON_OPTIONS_H_

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/command.h"

// Options that several commands share.
namespace sasd::cli {

inline void AddOutput(Command& command, std::string* output, const char* forms) {
  command.AddOption("-o,--output", "FORM", output, absl::StrCat("Output format: ", forms))
      .ShowDefault();
}

inline void AddFilter(Command& command, std::vector<std::string>* filters, const char* more = "") {
  command.AddOption("-f,--filter", "KEY=VALUE", filters,
                    absl::StrCat("Select objects by KEY=VALUE[,VALUE...]; several conditions must "
                                 "all hold",
                                 more));
}

// Of commands about events.
inline constexpr char kEventFilters[] =
    ". kind=NOUN chooses kinds; other keys are those of `list -f`";

}  // namespace sasd::cli

#endif  // CLI_COMMON_OPTIONS_H_
