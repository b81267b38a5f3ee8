#include "cli/parser.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "CLI/CLI.hpp"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "cli/usage_error.h"

namespace sasd::cli {
namespace {

std::string NotANumber(const Option& option, absl::string_view word) {
  return absl::StrCat(option.name, " \"", word, "\" is not ",
                      option.least == 1 ? "a number above 0"
                                        : absl::StrCat("a number of ", option.least, " or more"));
}

// Puts a word into a variable. Returns what is wrong with it; empty: nothing.
class Assign {
 public:
  Assign(const Option& option, const std::string& word) : option_(option), word_(word) {}

  std::string operator()(const Set& flag) const {
    *flag.variable = flag.value;
    return "";
  }
  std::string operator()(const Count& count) const {
    ++*count.variable;
    return "";
  }
  std::string operator()(std::string* text) const {
    *text = word_;
    return "";
  }
  std::string operator()(std::vector<std::string>* texts) const {
    texts->push_back(word_);
    return "";
  }
  std::string operator()(int32_t* number) const { return ReadInteger(number); }
  std::string operator()(int64_t* number) const { return ReadInteger(number); }
  std::string operator()(uint32_t* number) const { return ReadInteger(number); }
  std::string operator()(double* number) const {
    if (absl::SimpleAtod(word_, number) && *number >= static_cast<double>(option_.least)) return "";
    return NotANumber(option_, word_);
  }

 private:
  template <typename T>
  std::string ReadInteger(T* number) const {
    int64_t wide = 0;
    const bool is_hex = absl::StartsWithIgnoreCase(word_, "0x");
    const bool is_number =
        is_hex ? absl::SimpleHexAtoi(word_, &wide) : absl::SimpleAtoi(word_, &wide);
    if (!is_number || wide < option_.least) return NotANumber(option_, word_);
    if (wide > static_cast<int64_t>(std::numeric_limits<T>::max())) {
      return absl::StrCat(option_.name, " \"", word_, "\" is too large");
    }
    *number = static_cast<T>(wide);
    return "";
  }

  const Option& option_;
  const std::string& word_;
};

// The program for CLI11 that a grammar describes. CLI11 takes the line apart; what the words mean,
// and what is wrong with them, is said here.
class Parser {
 public:
  explicit Parser(const Command& root) : root_(root), app_("", "sasctl") {
    Declare(root, app_);
    help_ = app_.add_flag("-h,--help");
  }

  std::optional<UsageError> Run(const std::vector<std::string>& words, ParsedLine* line) {
    std::vector<std::string> reversed(words.rbegin(), words.rend());
    std::string lacks_value;
    try {
      app_.parse(std::move(reversed));
    } catch (const CLI::ArgumentMismatch& error) {  // "--count: 1 required TEXT missing"
      const std::string name = error.what();
      lacks_value = name.substr(0, name.find(':'));
    } catch (const CLI::ParseError& error) {  // none is known
      error_ = error.what();
    }
    const CLI::App* app = &app_;
    for (command_ = &root_; !app->get_subcommands().empty();) {
      app = app->get_subcommands().front();
      command_ = command_->Find(app->get_name());
    }
    wants_help_ = help_->count() > 0;
    if (command_->is_help) {
      wants_help_ = true;
      error_ = FindTopic();
    } else if (error_.empty()) {
      error_ = Judge(EmptyOption(words), lacks_value);
    }
    *line = {command_, wants_help_};
    if (error_.empty()) return std::nullopt;
    return UsageError{error_, command_};
  }

 private:
  // What CLI11 is to take as one program. It keeps the words; nothing is converted or required.
  void Declare(const Command& command, CLI::App& app) {
    app.set_help_flag();
    app.fallthrough();
    app.allow_extras();
    app.require_subcommand(0, 1);  // a second command's name is an object's
    for (const auto& option : command.options) {
      const std::string names = option->short_name.empty()
                                    ? option->name
                                    : absl::StrCat(option->short_name, ",", option->name);
      read_[option.get()] = option->takes_value() ? TakesWords(app.add_option(names))->expected(1)
                                                  : app.add_flag(names);
    }
    for (const auto& argument : command.arguments) {
      CLI::Option* const words = TakesWords(app.add_option(argument->name));
      const int most = argument->most == 0 ? -1 : static_cast<int>(argument->most);
      read_[argument.get()] = words->expected(argument->is_vector() ? most : 1);
    }
    for (const auto& each : command.commands) {
      CLI::App* const below = app.add_subcommand(each->name);
      for (const std::string& alias : each->aliases) below->alias(alias);
      Declare(*each, *below);
    }
  }

  // One word each time, of which none is lost.
  static CLI::Option* TakesWords(CLI::Option* option) {
    return option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)->allow_extra_args(false);
  }

  // What is wrong with the line of `command_`; empty: nothing.
  std::string Judge(const std::string& empty, const std::string& lacks_value) {
    if (!empty.empty()) return empty;
    const std::vector<std::string> extra = Extra();
    for (const std::string& word : extra) {
      if (word.size() > 1 && word[0] == '-') {
        return UnknownOption(root_, *command_, word.substr(0, word.find('=')));
      }
    }
    if (!command_->commands.empty() && !extra.empty()) {
      return UnknownCommand(*command_, extra.front());
    }
    if (!lacks_value.empty()) return absl::StrCat(lacks_value, " lacks its value");
    for (const Command* command : {&root_, command_}) {
      for (const auto& option : command->options) {
        if (std::string wrong = Put(*option); !wrong.empty()) return wrong;
      }
      if (command == command_) break;
    }
    if (wants_help_) return "";
    if (!command_->commands.empty()) return command_ == &root_ ? "" : LacksCommand(*command_);
    for (const auto& argument : command_->arguments) {
      if (std::string wrong = Put(*argument); !wrong.empty()) return wrong;
      if (argument->is_required && read_[argument.get()]->count() == 0) {
        return absl::StrCat(argument->name, " is missing");
      }
    }
    if (!extra.empty()) return absl::StrCat("one word too many: \"", extra.front(), "\"");
    for (const auto& option : command_->options) {
      if (option->is_required && read_[option.get()]->count() == 0) {
        return absl::StrCat(option->name, " is missing");
      }
    }
    return "";
  }

  // The words that no option and no argument took.
  std::vector<std::string> Extra() const {
    std::vector<std::string> words = app_.remaining(/*recurse=*/true);
    words.erase(std::remove(words.begin(), words.end(), "--"), words.end());
    return words;
  }

  // Puts what was read of an option into its variable. Returns what is wrong with it.
  std::string Put(const Option& option) {
    const std::vector<std::string>& words = read_[&option]->results();
    const bool is_single = option.takes_value() && !option.is_vector();
    if (is_single && words.size() > 1 && !option.last_wins) {
      return absl::StrCat(option.name, " is given twice");
    }
    for (const std::string& word : words) {
      if (!option.takes_value() && word != "true") {
        return absl::StrCat(option.name, " takes no value");
      }
      if (word.empty() && !option.if_empty.empty()) {
        return absl::StrCat(option.name, " is empty; give ", option.if_empty);
      }
      if (std::string wrong = std::visit(Assign(option, word), option.target); !wrong.empty()) {
        return wrong;
      }
    }
    return "";
  }

  // Of an option that ends with "=", as whose value CLI11 takes the next word: what is wrong.
  std::string EmptyOption(const std::vector<std::string>& words) const {
    for (const std::string& word : words) {
      if (word == "--") break;
      if (!absl::StartsWith(word, "--") || word.find('=') != word.size() - 1) continue;
      const std::string name = word.substr(0, word.size() - 1);
      const Option* option = command_->FindOption(name);
      if (option == nullptr) option = root_.FindOption(name);
      if (option == nullptr || !option->takes_value()) continue;
      return absl::StrCat(
          name, " is empty",
          option->if_empty.empty() ? "" : absl::StrCat("; give ", option->if_empty));
    }
    return "";
  }

  // `help COMMAND`: makes it the command. Returns what is wrong.
  std::string FindTopic() {
    command_ = &root_;
    for (const std::string& word : Extra()) {
      const Command* const below = command_->Find(word);
      if (below == nullptr) {
        return command_->commands.empty() ? "" : UnknownCommand(*command_, word);
      }
      command_ = below;
    }
    return "";
  }

  const Command& root_;
  CLI::App app_;
  CLI::Option* help_ = nullptr;
  std::map<const Option*, CLI::Option*> read_;  // of app_
  const Command* command_ = &root_;
  bool wants_help_ = false;
  std::string error_;  // empty: none
};

}  // namespace

std::optional<UsageError> Parse(const Command& root, const std::vector<std::string>& words,
                                ParsedLine* line) {
  return Parser(root).Run(words, line);
}

}  // namespace sasd::cli
