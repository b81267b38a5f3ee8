#include "cli/output/visible.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace sasd::cli {

std::string Visible(absl::string_view text) {
  std::string visible;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    // C1 is U+0080 to U+009F: two bytes of UTF-8.
    const bool c1 = byte == 0xc2 && i + 1 < text.size() &&
                    static_cast<unsigned char>(text[i + 1]) >= 0x80 &&
                    static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (c1) {
      absl::StrAppendFormat(&visible, "\\x%02x", static_cast<unsigned char>(text[++i]));
    } else if (byte < 0x20 || byte == 0x7f) {
      absl::StrAppendFormat(&visible, "\\x%02x", byte);
    } else {
      visible += text[i];
    }
  }
  return visible;
}

std::string VisibleMessage(absl::string_view message, const std::vector<std::string>& arguments) {
  std::string text(message);
  for (const std::string& argument : arguments) {
    const std::string visible = Visible(argument);
    if (visible != argument) text = absl::StrReplaceAll(text, {{argument, visible}});
  }
  const std::vector<std::string> lines = absl::StrSplit(text, '\n');
  return absl::StrJoin(lines, "\n", [](std::string* out, const std::string& line) {
    absl::StrAppend(out, Visible(line));
  });
}

}  // namespace sasd::cli
