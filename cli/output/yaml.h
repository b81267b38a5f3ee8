#ifndef CLI_OUTPUT_YAML_H_
#define CLI_OUTPUT_YAML_H_

#include <string>

#include "absl/strings/string_view.h"

namespace sasd::cli {

// Converts JSON to YAML in block style; each line ends with '\n'. `json` must be valid JSON: for
// any other text this is our bug, and the output ends early. Quotes a text that YAML would read as
// another type.
std::string JsonToYaml(absl::string_view json);

// `text` as a YAML scalar: bare if that is unambiguous, else in double quotes.
std::string YamlString(absl::string_view text);

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_YAML_H_
