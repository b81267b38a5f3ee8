#include "daemon/config/config.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace sasd::config {
namespace {

const char* Set(Environment environment, const std::string& name) {
  const char* const text = environment(name.c_str());
  return text == nullptr || *text == '\0' ? nullptr : text;
}

void ReadEnvironment(Environment environment, std::vector<Given>& given,
                     std::vector<std::string>& faults) {
  for (const Option& option : Options()) {
    const std::string name = EnvironmentName(option);
    const char* const text = option.once ? nullptr : Set(environment, name);
    if (text == nullptr) continue;
    absl::StatusOr<Value> value = ParseValue(option, text);
    if (value.ok()) {
      given.push_back({&option, *std::move(value), name});
    } else {
      faults.push_back(absl::StrCat(name, ": ", value.status().message()));
    }
  }
}

// Two that exclude each other, both set.
void CheckExclusions(const Config& config, std::vector<std::string>& faults) {
  const Option* first = nullptr;
  for (const Option& option : Options()) {
    if (option.only_one_of.empty()) continue;
    if (std::get<std::string>(ValueOf(option, config.settings)).empty()) continue;
    if (first == nullptr || first->only_one_of != option.only_one_of) {
      first = &option;
      continue;
    }
    faults.push_back(absl::StrCat(first->name, " (", config.origins.at(first->name), ") and ",
                                  option.name, " (", config.origins.at(option.name),
                                  ") exclude each other; give one of them, or \"\" for the "
                                  "other"));
  }
}

}  // namespace

absl::StatusOr<Config> Load(const CommandLine& line, Environment environment) {
  Config config;
  std::vector<Given> from_file, from_environment;
  std::vector<std::string> faults;

  const char* const named = Set(environment, "SASD_CONFIG");
  const bool is_named = line.config.has_value() || named != nullptr;
  const std::string path = line.config.has_value() ? *line.config
                           : named != nullptr      ? std::string(named)
                                                   : kDefaultFile;
  if (!path.empty()) {
    absl::StatusOr<std::vector<Given>> read = ReadFile(path);
    if (read.ok()) {
      from_file = *std::move(read);
      config.file = path;
    } else if (is_named || !absl::IsNotFound(read.status())) {
      faults.emplace_back(read.status().message());
    }
  }
  ReadEnvironment(environment, from_environment, faults);
  for (const std::vector<Given>* layer :
       {&std::as_const(from_file), &std::as_const(from_environment), &line.given}) {
    for (const Given& given : *layer) {
      SetValue(*given.option, given.value, config.settings);
      config.origins[given.option->name] = given.origin;
    }
  }
  CheckExclusions(config, faults);
  if (!faults.empty()) return absl::InvalidArgumentError(absl::StrJoin(faults, "\n"));
  return config;
}

std::string Describe(const Config& config) {
  std::string out;
  for (const Option& option : Options()) {
    const auto origin = config.origins.find(option.name);
    const std::string text = FileText(option, ValueOf(option, config.settings));
    // What is for one start cannot stand in a file.
    absl::StrAppend(&out, option.once ? "# " : "", option.name, " = ", text, "  # ",
                    origin == config.origins.end() ? "default" : origin->second, "\n");
  }
  return out;
}

}  // namespace sasd::config
