#include "cli/help_text.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace sasd::cli {
namespace {

constexpr size_t kColumns = 80, kIndent = 30;  // where the descriptions begin

constexpr char kObjectLine[] =
    "OBJECT is a resource name, alias, SAS address, WWN, serial, sdX, H:C:T:L, enclosure/slot, or "
    "an enclosure's model.";
constexpr char kRootLine[] =
    "Without a command, sasctl shows the summary. `sasctl COMMAND --help` shows the options of a "
    "command, and examples.";

// The text in lines of at most `columns`.
std::vector<std::string> Wrapped(absl::string_view text, size_t columns) {
  std::vector<std::string> lines = {""};
  for (const absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    if (!lines.back().empty() && lines.back().size() + 1 + word.size() > columns) {
      lines.emplace_back();
    }
    absl::StrAppend(&lines.back(), lines.back().empty() ? "" : " ", word);
  }
  return lines;
}

// Arguments, options or commands: names, and what they mean.
class Section {
 public:
  explicit Section(absl::string_view title) : title_(title) {}

  void Add(const std::string& name, absl::string_view help) {
    std::string line = absl::StrCat("  ", name);
    for (const std::string& part : Wrapped(help, kColumns - kIndent)) {
      if (line.size() + 2 > kIndent) {
        absl::StrAppend(&text_, line, "\n");
        line.clear();
      }
      line.resize(kIndent, ' ');
      absl::StrAppend(&text_, line, part, "\n");
      line.clear();
    }
  }
  // Empty without entries.
  std::string Text() const { return text_.empty() ? "" : absl::StrCat("\n", title_, ":\n", text_); }

 private:
  const std::string title_;
  std::string text_;
};

std::string NameOf(const Option& option) {
  std::string name =
      option.short_name.empty() ? option.name : absl::StrCat(option.short_name, ",", option.name);
  if (!option.type.empty()) absl::StrAppend(&name, " ", option.type);
  if (!option.shown_default.empty()) absl::StrAppend(&name, "=", option.shown_default);
  if (option.is_vector()) absl::StrAppend(&name, " ...");
  return name;
}

// "sasctl list [OPTIONS] NOUN [OBJECT...]"
std::string Usage(const Command& command) {
  std::vector<std::string> words = {"sasctl"};
  if (!command.path.empty()) words.push_back(command.path);
  words.emplace_back("[OPTIONS]");
  for (const auto& option : command.options) {
    if (option->is_required) words.push_back(absl::StrCat(option->name, " ", option->type));
  }
  if (!command.usage.empty()) words.push_back(command.usage);
  for (const auto& argument : command.arguments) {
    if (!command.usage.empty()) break;
    const std::string name = absl::StrCat(argument->name, argument->is_vector() ? "..." : "");
    words.push_back(argument->is_required ? name : absl::StrCat("[", name, "]"));
  }
  if (!command.commands.empty()) {
    words.emplace_back(command.path.empty() ? "[COMMAND]" : "COMMAND");
  }
  return absl::StrJoin(words, " ");
}

}  // namespace

std::string HelpText(const Command& root, const Command& command) {
  std::string text = absl::StrJoin(Wrapped(absl::StrCat(command.help, "."), kColumns), "\n");
  absl::StrAppend(&text, "\nUsage: ", Usage(command), "\n");
  Section arguments("Arguments"), options("Options"), commands("Commands");
  for (const auto& argument : command.arguments) {
    arguments.Add(absl::StrCat(argument->name, argument->is_vector() ? " ..." : ""),
                  argument->help);
  }
  options.Add("-h,--help", "Print this help");
  for (const auto& option : command.options) options.Add(NameOf(*option), option->help);
  for (const auto& each : command.commands) {
    std::vector<std::string> names = {each->name};
    names.insert(names.end(), each->aliases.begin(), each->aliases.end());
    commands.Add(absl::StrJoin(names, ", "), each->help);
  }
  absl::StrAppend(&text, arguments.Text(), options.Text(), commands.Text());
  if (command.takes_object) {
    absl::StrAppend(&text, "\n", absl::StrJoin(Wrapped(kObjectLine, kColumns), "\n"), "\n");
  }
  if (!command.examples.empty()) {
    absl::StrAppend(&text, "\nExamples:\n");
    for (const std::string& example : command.examples) {
      absl::StrAppend(&text, "  sasctl ", example, "\n");
    }
  }
  if (&command == &root) {
    absl::StrAppend(&text, "\n", absl::StrJoin(Wrapped(kRootLine, kColumns), "\n"), "\n");
  }
  return text;
}

}  // namespace sasd::cli
