#ifndef DAEMON_CONFIG_CONFIG_H_
#define DAEMON_CONFIG_CONFIG_H_

#include <map>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/config/command_line.h"
#include "daemon/config/settings.h"

namespace sasd::config {

// A variable of the environment: getenv(). Null: not set. An empty one counts as not set.
using Environment = absl::FunctionRef<const char*(const char* name)>;

// The options in effect.
struct Config {
  Settings settings;
  std::string file;  // that was read; empty: none
  // Who gave the value, by the option's name; an option that nobody gave is not among them.
  std::map<absl::string_view, std::string> origins;
};

// Puts together what the command line, the environment and the file give, in this precedence. The
// file is that of --config, or of $SASD_CONFIG, or kDefaultFile; only the last may be missing.
// Errors: kInvalidArgument and those of ReadFile(): a line for each fault, with its place.
absl::StatusOr<Config> Load(const CommandLine& line, Environment environment);

// The options in effect as a file that ParseFile() reads, each with its origin as a comment.
std::string Describe(const Config& config);

}  // namespace sasd::config

#endif  // DAEMON_CONFIG_CONFIG_H_
