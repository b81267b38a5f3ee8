#ifndef CLI_OUTPUT_JSON_H_
#define CLI_OUTPUT_JSON_H_

#include <string>

#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace sasd::cli {

// A message in protobuf's canonical JSON: the names of the .proto files in lowerCamelCase, 64-bit
// integers as strings, fields that have their default left out. The same as `buf curl` and other
// gRPC clients give. One line, or indented.
std::string ToJson(const google::protobuf::Message& message);
std::string ToIndentedJson(const google::protobuf::Message& message);

// `text` as a JSON string with its quotes; what HasControls() looks for is escaped.
std::string JsonString(absl::string_view text);

// Whether control characters (C0, DEL, C1) are in the text, or what YAML 1.1 takes for the end of a
// line (U+2028, U+2029).
bool HasControls(absl::string_view text);

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_JSON_H_
