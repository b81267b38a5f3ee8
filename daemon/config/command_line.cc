#include "daemon/config/command_line.h"

#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace sasd::config {
namespace {

constexpr int kBadCommandLine = 2;

const char* TypeName(Type type) {
  switch (type) {
    case Type::kNumber:
      return "NUMBER";
    case Type::kBytes:
      return "BYTES";
    case Type::kDuration:
      return "DURATION";
    default:
      return "TEXT";
  }
}

// An option as CLI11 takes it: its text until the whole line is read.
struct Slot {
  const Option* option = nullptr;
  std::string text, old_text;
  std::vector<std::string> texts;  // kList
  bool flag = false;
  CLI::Option* declared = nullptr;
  CLI::Option* old_declared = nullptr;
};

// A check of CLI11: the error as text, empty if there is none.
template <typename Parse>
CLI::Validator Check(const Option& option, Parse parse) {
  return CLI::Validator(
      [&option, parse](std::string& text) {
        return std::string(parse(option, text).status().message());
      },
      "");
}

void Declare(CLI::App& app, Slot& slot, std::string& group) {
  const Option& option = *slot.option;
  if (!option.group.empty()) group = std::string(option.group);
  const std::string name = absl::StrCat("--", option.name);
  const Value by_default = ValueOf(option, Settings());
  if (option.type == Type::kFlag) {
    slot.flag = std::get<bool>(by_default);
    slot.declared = app.add_flag(absl::StrCat(name, ",!--no-", option.name), slot.flag,
                                 std::string(option.help));
    if (slot.flag) slot.declared->default_str("true");
  } else if (option.type == Type::kList) {
    slot.declared = app.add_option(name, slot.texts, absl::StrCat(option.help, ". Repeatable"));
    slot.declared->type_name("TEXT")->allow_extra_args(false)->check(Check(option, ParseValue));
    const auto& texts = std::get<std::vector<std::string>>(by_default);
    if (!texts.empty()) slot.declared->default_str(absl::StrJoin(texts, ","));
  } else {
    const std::string range = RangeText(option);
    slot.declared = app.add_option(
        name, slot.text,
        absl::StrCat(option.help, range.empty() ? "" : " (", range, range.empty() ? "" : ")"));
    slot.declared->type_name(TypeName(option.type));
    slot.declared->check(Check(option, ParseValue));
    std::string shown = FileText(option, by_default);
    if (shown.size() > 2 && shown.front() == '"') shown = shown.substr(1, shown.size() - 2);
    if (shown != "\"\"") slot.declared->default_str(shown);
  }
  slot.declared->group(group);
  if (option.old_name.empty()) return;
  slot.old_declared = app.add_option(absl::StrCat("--", option.old_name), slot.old_text);
  slot.old_declared->check(Check(option, ParseOldValue))->excludes(slot.declared)->group("");
}

void Collect(const Slot& slot, CommandLine& line) {
  const Option& option = *slot.option;
  const std::string name = absl::StrCat("--", option.name);
  if (slot.declared->count() > 0) {
    if (option.type == Type::kFlag) {
      line.given.push_back({&option, slot.flag, name});
    } else if (option.type == Type::kList) {
      line.given.push_back({&option, *ParseValue(option, absl::StrJoin(slot.texts, ",")), name});
    } else {
      line.given.push_back({&option, *ParseValue(option, slot.text), name});
    }
  } else if (slot.old_declared != nullptr && slot.old_declared->count() > 0) {
    line.given.push_back(
        {&option, *ParseOldValue(option, slot.old_text), absl::StrCat("--", option.old_name)});
  }
}

}  // namespace

std::optional<CommandLine> ParseCommandLine(const Program& program, int argc,
                                            const char* const* argv, int* exit_code) {
  CLI::App app(program.description, program.name);
  app.set_version_flag("--version", absl::StrCat(program.name, " ", program.version));
  app.footer(program.footer);
  CommandLine line;
  std::string config;
  CLI::Option* const config_option = app.add_option(
      "--config", config, "Read options from this file; \"\": from none. Also $SASD_CONFIG");
  config_option->default_str(kDefaultFile)->type_name("FILE");
  app.add_flag("--check-config", line.check_config,
               "Print the options in effect and exit, or what is wrong with them");
  std::vector<Slot> slots(Options().size());  // CLI11 keeps pointers into it
  std::string group;
  for (size_t i = 0; i < slots.size(); ++i) {
    slots[i].option = &Options()[i];
    Declare(app, slots[i], group);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // CLI11's own codes are many; 0 is that of help and version.
    *exit_code = app.exit(error) == 0 ? 0 : kBadCommandLine;
    return std::nullopt;
  }
  if (config_option->count() > 0) line.config = config;
  for (const Slot& slot : slots) Collect(slot, line);
  return line;
}

}  // namespace sasd::config
