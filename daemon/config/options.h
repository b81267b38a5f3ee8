#ifndef DAEMON_CONFIG_OPTIONS_H_
#define DAEMON_CONFIG_OPTIONS_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "daemon/config/settings.h"

namespace sasd::config {

enum class Type : uint8_t { kText, kChoice, kList, kFlag, kNumber, kBytes, kDuration };

// When a new value takes effect.
enum class Reload : uint8_t {
  kAtSighup,
  kAtRestart,
};

// One option. Its type in C++ and its default are those of its field in Settings.
struct Option {
  // Of the command line ("--attach-grace") and the file ("attach-grace"); the environment's follows
  // from it: EnvironmentName().
  absl::string_view name;
  Type type;
  std::variant<std::string Settings::*, bool Settings::*, int64_t Settings::*,
               absl::Duration Settings::*, std::vector<std::string> Settings::*>
      field;
  Reload reload;
  // One or more sentences, for a person.
  absl::string_view help;
  // kNumber, kBytes: inclusive. kDuration: in milliseconds.
  int64_t min = 0, max = 0;
  // kChoice.
  std::vector<absl::string_view> choices = {};
  // The option has a place on the command line alone: it is for one start.
  bool once = false;
  // A name of earlier versions, which ends in the unit of its number. Empty: none. On the command
  // line and in the file; kDuration only.
  absl::string_view old_name = {};
  absl::Duration old_unit = {};
  // Two options with the same word exclude each other. Empty: none.
  absl::string_view only_one_of = {};
  // Begins this group of options in help and in the shipped file.
  absl::string_view group = {};
};

// All options, in the order of help and of the shipped file. Constant.
absl::Span<const Option> Options();

// The option with this name, or with this old name. Null: none.
const Option* FindOption(absl::string_view name);

// "attach-grace" -> "SASD_ATTACH_GRACE".
std::string EnvironmentName(const Option& option);

using Value = std::variant<std::string, bool, int64_t, absl::Duration, std::vector<std::string>>;

// The value of a text, as the command line and the environment have it. A list has its texts
// between commas; on the command line the option may also stand several times. Errors:
// kInvalidArgument, which says what is expected; the caller knows the place.
absl::StatusOr<Value> ParseValue(const Option& option, absl::string_view text);
// The value of a text under the option's old name: a number, also "0.5".
absl::StatusOr<Value> ParseOldValue(const Option& option, absl::string_view text);
// The value, if it is in the option's range. It has the option's type.
absl::StatusOr<Value> CheckValue(const Option& option, Value value);

Value ValueOf(const Option& option, const Settings& settings);
// `value` is of ParseValue() or CheckValue().
void SetValue(const Option& option, const Value& value, Settings& settings);

// The value as the file has it: `"30s"`, `true`, `1000`. ParseFile() reads it again.
std::string FileText(const Option& option, const Value& value);
// What a value may be: "0s to 1d", "debug, info, warning, error or off". Empty for text and flags.
std::string RangeText(const Option& option);

}  // namespace sasd::config

#endif  // DAEMON_CONFIG_OPTIONS_H_
