#ifndef CLI_OUTPUT_OUTPUT_FORM_H_
#define CLI_OUTPUT_OUTPUT_FORM_H_

#include <ostream>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace sasd::cli {

enum class Output { kTable, kWide, kJson, kJsonl, kYaml, kName };

// kInvalidArgument names the unknown one, what is close, and all there are.
absl::StatusOr<Output> ParseOutput(absl::string_view word);

// Writes a message that stands alone as JSON (indented or a line) or YAML. False, and nothing is
// written, where `output` is none of these.
bool PrintMessage(const google::protobuf::Message& message, Output output, std::ostream& out);

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_OUTPUT_FORM_H_
