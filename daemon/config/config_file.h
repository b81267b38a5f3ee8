#ifndef DAEMON_CONFIG_CONFIG_FILE_H_
#define DAEMON_CONFIG_CONFIG_FILE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/config/options.h"

namespace sasd::config {

// A value that somebody gave for an option.
struct Given {
  const Option* option = nullptr;
  Value value;
  std::string origin;  // for people: "/etc/sasd/sasd.toml:3:1", "SASD_LISTEN", "--listen"
};

constexpr char kDefaultFile[] = "/etc/sasd/sasd.toml";
constexpr size_t kMaxFileBytes = 1 << 20;

// Reads a configuration in TOML 1.0: `name = value` for some of Options(). `path` is for the
// places. The result is in the order of the text; no option comes twice. Errors: kInvalidArgument,
// a line for each fault in the order of the text, as PATH:LINE:COLUMN: what is wrong, and the
// remedy.
absl::StatusOr<std::vector<Given>> ParseFile(absl::string_view text, absl::string_view path);

// The same of a file. Errors: also those of ReadRegularFile().
absl::StatusOr<std::vector<Given>> ReadFile(const std::string& path);

}  // namespace sasd::config

#endif  // DAEMON_CONFIG_CONFIG_FILE_H_
