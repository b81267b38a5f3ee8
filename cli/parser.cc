#include "cli/parser.h"

#include <limits>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "cli/usage_error.h"

namespace sasd::cli {
namespace {

std::string NotANumber(const Option& option, absl::string_view word) {
  return absl::StrCat(
      option.name, " \"", word, "\" is not a number ",
      option.least == 1 ? "above 0" : absl::StrCat("of ", option.least, " or more"));
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

class Parser {
 public:
  Parser(const Command& root, const std::vector<std::string>& words) : root_(root), words_(words) {}

  std::optional<UsageError> Run(ParsedLine* line) {
    bool only_words = false;  // behind "--"
    for (next_ = 0; next_ < words_.size() && error_.empty();) {
      const std::string& word = words_[next_++];
      if (only_words || word.size() < 2 || word[0] != '-') {
        TakeWord(word);
      } else if (word == "--") {
        only_words = true;
      } else if (word[1] == '-') {
        TakeLong(word);
      } else {
        TakeShort(word);
      }
    }
    if (error_.empty() && !wants_help_) Complete();
    *line = {command_, wants_help_};
    if (error_.empty()) return std::nullopt;
    return UsageError{error_, command_};
  }

 private:
  void TakeWord(const std::string& word) {
    if (command_ == &root_ && word == "help" && !wants_help_) {
      wants_help_ = true;
    } else if (command_->commands.empty()) {
      arguments_.push_back(word);
    } else if (const Command* command = command_->Find(word)) {
      command_ = command;
    } else {
      error_ = UnknownCommand(*command_, word);
    }
  }

  const Option* Find(absl::string_view typed) const {
    const Option* option = command_->FindOption(typed);
    return option != nullptr ? option : root_.FindOption(typed);
  }

  void TakeLong(const std::string& word) {
    const size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    if (name == "--help") {
      wants_help_ = true;
      return;
    }
    const Option* const option = Find(name);
    if (option == nullptr) {
      error_ = UnknownOption(root_, *command_, name);
    } else if (equals == std::string::npos) {
      TakeOption(*option);
    } else if (!option->takes_value()) {
      error_ = absl::StrCat(name, " takes no value");
    } else if (equals + 1 == word.size() && option->if_empty.empty()) {
      error_ = absl::StrCat(name, " is empty");
    } else {
      Put(*option, word.substr(equals + 1));
    }
  }

  void TakeShort(const std::string& word) {
    for (size_t at = 1; at < word.size() && error_.empty(); ++at) {
      const std::string name = {'-', word[at]};
      if (name == "-h") {
        wants_help_ = true;
        continue;
      }
      const Option* const option = Find(name);
      if (option == nullptr) {
        error_ = UnknownOption(root_, *command_, at == 1 ? word : name);
        return;
      }
      if (option->takes_value() && at + 1 < word.size()) {
        Put(*option, word.substr(at + 1));
        return;
      }
      TakeOption(*option);
    }
  }

  // A flag, or an option whose value is the next word.
  void TakeOption(const Option& option) {
    if (!option.takes_value()) {
      Put(option, "");
    } else if (next_ == words_.size()) {
      error_ = absl::StrCat(option.name, " lacks its value");
    } else {
      Put(option, words_[next_++]);
    }
  }

  void Put(const Option& option, const std::string& word) {
    const bool is_first = given_.insert(&option).second;
    if (!is_first && option.takes_value() && !option.is_vector() && !option.last_wins) {
      error_ = absl::StrCat(option.name, " is given twice");
      return;
    }
    if (word.empty() && !option.if_empty.empty()) {
      error_ = absl::StrCat(option.name, " is empty; give ", option.if_empty);
      return;
    }
    error_ = std::visit(Assign(option, word), option.target);
  }

  // The arguments, and what is missing.
  void Complete() {
    if (!command_->commands.empty()) {
      if (command_ != &root_) error_ = LacksCommand(*command_);
      return;
    }
    size_t next = 0;
    for (const auto& argument : command_->arguments) {
      const size_t begin = next;
      const size_t most = !argument->is_vector() ? 1 : argument->most;
      while (error_.empty() && next < arguments_.size() && (most == 0 || next - begin < most)) {
        error_ = std::visit(Assign(*argument, arguments_[next++]), argument->target);
      }
      if (error_.empty() && argument->is_required && next == begin) {
        error_ = absl::StrCat(argument->name, " is missing");
      }
    }
    if (error_.empty() && next < arguments_.size()) {
      error_ = absl::StrCat("one word too many: \"", arguments_[next], "\"");
    }
    for (const auto& option : command_->options) {
      if (error_.empty() && option->is_required && given_.count(option.get()) == 0) {
        error_ = absl::StrCat(option->name, " is missing");
      }
    }
  }

  const Command& root_;
  const std::vector<std::string>& words_;
  const Command* command_ = &root_;
  size_t next_ = 0;
  std::vector<std::string> arguments_;
  std::set<const Option*> given_;
  bool wants_help_ = false;
  std::string error_;  // empty: none so far
};

}  // namespace

std::optional<UsageError> Parse(const Command& root, const std::vector<std::string>& words,
                                ParsedLine* line) {
  return Parser(root, words).Run(line);
}

}  // namespace sasd::cli
