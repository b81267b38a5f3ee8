#ifndef CLI_COMMAND_H_
#define CLI_COMMAND_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "cli/query/context.h"

// The grammar as data: what Parse() takes, HelpText() shows and Complete() suggests.
namespace sasd::cli {

// What a command does. Returns an exit code, or an error to print.
using Action = std::function<absl::StatusOr<int>(const Context&)>;

// A flag sets a variable, or counts how often it is given.
struct Set {
  bool* variable;
  bool value = true;
};
struct Count {
  int* variable;
};
// Where a value goes. A vector takes one value each time that its option is given, or all words
// that are left for an argument.
using Target = std::variant<Set, Count, std::string*, std::vector<std::string>*, int32_t*, int64_t*,
                            uint32_t*, double*>;

// An option, or an argument: a word without a name, known by its place.
struct Option {
  std::string short_name;     // "-o"; empty: none
  std::string name;           // "--output"; of an argument what the help calls it: "OBJECT"
  std::string type;           // what the help calls the value: "TIME"
  std::string help;           // a sentence without its full stop
  std::string shown_default;  // for the help
  Target target;
  int64_t least = 0;  // of a number
  size_t most = 0;    // words of an argument that is a vector; 0: any number
  bool is_required = false;
  bool last_wins = false;  // where it is given twice; else that is an error
  std::string if_empty;    // what to give instead of an empty text, which is refused; empty: taken

  bool takes_value() const {
    return !std::holds_alternative<Set>(target) && !std::holds_alternative<Count>(target);
  }
  bool is_vector() const { return std::holds_alternative<std::vector<std::string>*>(target); }

  Option& Required() {
    is_required = true;
    return *this;
  }
  // The help shows what the variable has now.
  Option& ShowDefault() {
    std::visit(
        [this](const auto& variable) {
          using T = std::decay_t<decltype(variable)>;
          if constexpr (std::is_pointer_v<T> && !std::is_same_v<T, std::vector<std::string>*>) {
            shown_default = absl::StrCat(*variable);
          }
        },
        target);
    return *this;
  }
  Option& Least(int64_t number) {
    least = number;
    return *this;
  }
  Option& Most(size_t words) {
    most = words;
    return *this;
  }
  Option& LastWins() {
    last_wins = true;
    return *this;
  }
  Option& NotEmpty(std::string instead) {
    if_empty = std::move(instead);
    return *this;
  }
};

// A command, or sasctl itself. Not movable: what it refers to is part of its owner.
struct Command {
  Command() = default;
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;

  std::string name;  // "pull"; of sasctl empty
  std::string path;  // "emulator pull"
  std::string help;  // a sentence without its full stop
  std::vector<std::string> aliases;
  std::vector<std::unique_ptr<Option>> arguments, options;
  std::vector<std::unique_ptr<Command>> commands;
  std::string usage;                  // of the arguments, where their names do not say it
  std::vector<std::string> examples;  // without "sasctl"
  bool takes_object = false;          // the help explains OBJECT
  bool pages = false;                 // its output is a text that people read from the beginning
  bool is_help = false;               // shows the help of the command that follows
  bool is_plugin = false;             // has the exit codes of monitoring plugins
  Action action;                      // null: it has commands, or `local_action`
  std::function<absl::Status()> local_action;  // runs without a sasd

  Command& AddCommand(std::string word, std::string text) {
    commands.push_back(std::make_unique<Command>());
    Command& command = *commands.back();
    command.path = path.empty() ? word : absl::StrCat(path, " ", word);
    command.name = std::move(word);
    command.help = std::move(text);
    return command;
  }
  Option& Argument(std::string word, Target target, std::string text) {
    arguments.push_back(std::make_unique<Option>());
    arguments.back()->name = std::move(word);
    arguments.back()->target = target;
    arguments.back()->help = std::move(text);
    return *arguments.back();
  }
  // `names`: "-o,--output" or "--output". `type` empty: a flag.
  Option& AddOption(absl::string_view names, std::string type, Target target, std::string text) {
    options.push_back(std::make_unique<Option>());
    Option& option = *options.back();
    const std::vector<std::string> parts = absl::StrSplit(names, ',');
    option.name = parts.back();
    if (parts.size() > 1) option.short_name = parts.front();
    option.type = std::move(type);
    option.target = target;
    option.help = std::move(text);
    return option;
  }
  Option& Flag(absl::string_view names, Target target, std::string text) {
    return AddOption(names, "", target, std::move(text));
  }
  // An action without an exit code of its own.
  void Do(std::function<absl::Status(const Context&)> run) {
    action = [run = std::move(run)](const Context& context) -> absl::StatusOr<int> {
      if (absl::Status s = run(context); !s.ok()) return s;
      return kExitOk;
    };
  }

  // By name or alias; null: none.
  const Command* Find(absl::string_view word) const;
  // By either name, as typed: "-o", "--output"; null: none.
  const Option* FindOption(absl::string_view typed) const;
};

}  // namespace sasd::cli

#endif  // CLI_COMMAND_H_
