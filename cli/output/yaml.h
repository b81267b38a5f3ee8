#ifndef CLI_OUTPUT_YAML_H_
#define CLI_OUTPUT_YAML_H_

#include <string>

#include "absl/strings/string_view.h"

namespace sasd::cli {

// A JSON text as YAML: the same tree, block style, each line ended. `json` is valid JSON (else this
// is our own bug, and the rest is left out). A text that YAML would read as something else than
// that text is quoted.
std::string JsonToYaml(absl::string_view json);

// `text` as a YAML scalar: bare where that is unambiguous, else in double quotes.
std::string YamlString(absl::string_view text);

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_YAML_H_
