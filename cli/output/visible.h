#ifndef CLI_OUTPUT_VISIBLE_H_
#define CLI_OUTPUT_VISIBLE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

// Texts that a terminal must not obey. Pure functions.
namespace sasd::cli {

// The text with each control character (C0 with line ends, DEL, C1) as "\\x1b".
std::string Visible(absl::string_view text);

// A message of several lines that may quote `arguments` of the command line: as Visible(), but the
// line ends that are its own remain.
std::string VisibleMessage(absl::string_view message, const std::vector<std::string>& arguments);

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_VISIBLE_H_
