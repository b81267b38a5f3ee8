// A configuration file, a file of contexts, and a value of each option as the command line and the
// environment have it.
// Any text gives values in their ranges or an error that names the place. What is accepted can be
// written and is read again as the same.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/query/contexts.h"
#include "daemon/config/config_file.h"
#include "daemon/config/options.h"
#include "daemon/config/value_text.h"
#include "tests/fuzz/properties.h"

namespace sasd::config {
namespace {

using fuzz::Check;

constexpr char kPath[] = "fuzz.toml";

void CheckFile(absl::string_view text) {
  const absl::StatusOr<std::vector<Given>> given = ParseFile(text, kPath);
  if (!given.ok()) {
    Check(absl::StartsWith(given.status().message(), absl::StrCat(kPath, ":")),
          "an error names the place");
    return;
  }
  std::string again;
  for (const Given& one : *given) {
    Check(CheckValue(*one.option, one.value).ok(), "an accepted value is in its range");
    Check(absl::StartsWith(one.origin, kPath), "a value has a place");
    absl::StrAppend(&again, one.option->name, " = ", FileText(*one.option, one.value), "\n");
  }
  const absl::StatusOr<std::vector<Given>> reread = ParseFile(again, kPath);
  Check(reread.ok() && reread->size() == given->size(), "a written file is read");
  for (size_t i = 0; i < given->size(); ++i) {
    Check((*reread)[i].option == (*given)[i].option && (*reread)[i].value == (*given)[i].value,
          "a written value is read as the same");
  }
}

// The other file in TOML: the contexts of sasctl.
void CheckContexts(absl::string_view text) {
  const absl::StatusOr<cli::Contexts> contexts = cli::ParseContexts(text, kPath);
  if (!contexts.ok()) {
    Check(absl::StartsWith(contexts.status().message(), absl::StrCat(kPath, ":")),
          "an error names the place");
    return;
  }
  for (const cli::NamedContext& context : contexts->all) {
    Check(!context.connection.address.empty(), "a context has an address");
    Check(contexts->Find(context.name).ok(), "a context is found by its name");
  }
  Check(contexts->current.empty() || contexts->Find(contexts->current).ok(),
        "the current context is there");
}

void CheckValues(absl::string_view text) {
  for (const Option& option : Options()) {
    const absl::StatusOr<Value> value = ParseValue(option, text);
    if (!value.ok()) fuzz::CheckError(value.status());
    if (value.ok()) Check(CheckValue(option, *value).ok(), "an accepted value is in its range");
    if (option.old_name.empty()) continue;
    const absl::StatusOr<Value> old = ParseOldValue(option, text);
    if (old.ok()) Check(CheckValue(option, *old).ok(), "an old value is in its range");
  }
  if (const auto duration = ParseDuration(text); duration.ok()) {
    Check(*ParseDuration(DurationText(*duration)) == *duration, "a duration is read again");
  }
  if (const auto bytes = ParseBytes(text); bytes.ok()) {
    Check(*ParseBytes(BytesText(*bytes)) == *bytes, "a size is read again");
  }
}

}  // namespace
}  // namespace sasd::config

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sasd::config::CheckFile(sasd::fuzz::TextOf({data, size}));
  sasd::config::CheckContexts(sasd::fuzz::TextOf({data, size}));
  sasd::config::CheckValues(sasd::fuzz::TextOf({data, size}));
  return 0;
}
