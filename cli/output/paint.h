#ifndef CLI_OUTPUT_PAINT_H_
#define CLI_OUTPUT_PAINT_H_

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace sasd::cli {

// Colours text for a terminal, or returns it unchanged. A value type.
class Paint {
 public:
  explicit Paint(bool on = false) : on_(on) {}

  std::string Bold(absl::string_view text) const { return Wrap("1", text); }
  std::string Dim(absl::string_view text) const { return Wrap("2", text); }
  std::string Red(absl::string_view text) const { return Wrap("31", text); }
  std::string Green(absl::string_view text) const { return Wrap("32", text); }
  std::string Yellow(absl::string_view text) const { return Wrap("33", text); }
  std::string Cyan(absl::string_view text) const { return Wrap("36", text); }

 private:
  std::string Wrap(absl::string_view code, absl::string_view text) const {
    if (!on_ || text.empty()) return std::string(text);
    return absl::StrCat("\033[", code, "m", text, "\033[0m");
  }
  bool on_;
};

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_PAINT_H_
