#ifndef CLI_OUTPUT_JSON_H_
#define CLI_OUTPUT_JSON_H_

#include <string>

#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace sasd::cli {

// A message in protobuf's canonical JSON: field names in lowerCamelCase, 64-bit integers as
// strings, default values left out. `buf curl` and other gRPC clients print the same. ToJson()
// prints one line, ToIndentedJson() one field per line.
std::string ToJson(const google::protobuf::Message& message);
std::string ToIndentedJson(const google::protobuf::Message& message);

// `text` as a quoted JSON string. Escapes the characters that HasControls() finds.
std::string JsonString(absl::string_view text);

// Whether the text has control characters (C0, DEL, C1) or line ends of YAML 1.1 (U+2028, U+2029).
bool HasControls(absl::string_view text);

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_JSON_H_
