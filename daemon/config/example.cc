#include "daemon/config/example.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "daemon/config/options.h"

namespace sasd::config {
namespace {

constexpr size_t kColumns = 100;

// The text as comment lines.
std::string Comment(absl::string_view text) {
  std::string out, line = "#";
  for (const absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    if (line.size() + 1 + word.size() > kColumns) {
      absl::StrAppend(&out, line, "\n");
      line = "#";
    }
    absl::StrAppend(&line, " ", word);
  }
  return absl::StrCat(out, line, "\n");
}

}  // namespace

std::string ExampleFile() {
  std::string out = Comment(
      "The configuration of sasd. Each option is here with its default. To set one, remove the "
      "\"#\" in front of it. The command line (--NAME VALUE) and the environment (the name that "
      "stands in parentheses) win over this file. After a change: sasd --check-config, then "
      "systemctl reload sasd, or systemctl restart sasd for the options that need it; the log says "
      "which do.");
  absl::StrAppend(&out, "#\n",
                  Comment("The format is TOML. A duration is text with a unit: \"500ms\", \"30s\", "
                          "\"5min\", \"1h 30min\", \"90d\". A number of bytes is a number, or text "
                          "with a unit: \"64MiB\"."));
  for (const Option& option : Options()) {
    if (option.once) continue;
    if (!option.group.empty()) absl::StrAppend(&out, "\n# == ", option.group, "\n");
    const std::string range = RangeText(option);
    absl::StrAppend(
        &out, "\n",
        Comment(absl::StrCat(
            option.help, ".", range.empty() ? "" : " Range: ", range, range.empty() ? "" : ".",
            " (", EnvironmentName(option), "; ",
            option.reload == Reload::kAtSighup ? "a reload takes it" : "needs a restart", ")")),
        "#", option.name, " = ", FileText(option, ValueOf(option, Settings())), "\n");
  }
  return out;
}

}  // namespace sasd::config
