#ifndef CLI_OUTPUT_OUTPUT_FORM_H_
#define CLI_OUTPUT_OUTPUT_FORM_H_

#include <ostream>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace sasd::cli {

enum class Output { kTable, kWide, kJson, kJsonl, kYaml, kName };

// Parses a word of -o. Error: kInvalidArgument names the unknown word, close ones, and all words.
absl::StatusOr<Output> ParseOutput(absl::string_view word);

// Prints one message as JSON (indented, or one line) or YAML. Returns false and prints nothing for
// any other `output`.
bool PrintMessage(const google::protobuf::Message& message, Output output, std::ostream& out);

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_OUTPUT_FORM_H_
