#ifndef DAEMON_CONFIG_ALIAS_FILE_H_
#define DAEMON_CONFIG_ALIAS_FILE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sasd::config {

constexpr char kDefaultAliasFile[] = "/etc/sasd/aliases.toml";

// One line of a file of aliases: "enclosures/500304800175f0bf" = "rack3-top".
struct AliasLine {
  std::string resource, alias;  // any texts
  std::string place;            // for people: "/etc/sasd/aliases.toml:3:1"
};

// Reads a file of aliases, TOML 1.0 with texts only. `path` is for the places. In the order of the
// text; no resource comes twice. Errors: kInvalidArgument, a line for each fault in the order of
// the text, as PATH:LINE:COLUMN: what is wrong.
absl::StatusOr<std::vector<AliasLine>> ParseAliases(absl::string_view text, absl::string_view path);

// The same of a file. Errors: also those of ReadRegularFile().
absl::StatusOr<std::vector<AliasLine>> ReadAliases(const std::string& path);

}  // namespace sasd::config

#endif  // DAEMON_CONFIG_ALIAS_FILE_H_
