#include "cli/output/json.h"

#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "google/protobuf/util/json_util.h"

namespace sasd::cli {
namespace {

// A character that has to be escaped: its code point, and how many bytes of UTF-8 it has.
struct Control {
  uint32_t code = 0;
  size_t length = 0;  // 0: the text begins with no such character
};

Control ControlAt(absl::string_view text) {
  const auto byte = [text](size_t i) { return static_cast<unsigned char>(text[i]); };
  if (text.empty()) return {};
  if (byte(0) < 0x20 || byte(0) == 0x7f) return {byte(0), 1};
  if (byte(0) == 0xc2 && text.size() > 1 && byte(1) >= 0x80 && byte(1) < 0xa0) return {byte(1), 2};
  if (absl::StartsWith(text, "\xe2\x80\xa8")) return {0x2028, 3};
  if (absl::StartsWith(text, "\xe2\x80\xa9")) return {0x2029, 3};
  return {};
}

}  // namespace

std::string ToJson(const google::protobuf::Message& message) {
  std::string text;
  // It fails only for an Any of unknown type, and the API has none.
  (void)google::protobuf::util::MessageToJsonString(message, &text);
  return text;
}

std::string ToIndentedJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  std::string text;
  (void)google::protobuf::util::MessageToJsonString(message, &text, options);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

std::string JsonString(absl::string_view text) {
  std::string quoted = "\"";
  while (!text.empty()) {
    const char c = text.front();
    const Control control = ControlAt(text);
    if (control.length > 0) {
      absl::StrAppendFormat(&quoted, "\\u%04x", control.code);
    } else if (c == '"' || c == '\\') {
      quoted += {'\\', c};
    } else {
      quoted += c;
    }
    text.remove_prefix(control.length > 0 ? control.length : 1);
  }
  return quoted + "\"";
}

bool HasControls(absl::string_view text) {
  for (; !text.empty(); text.remove_prefix(1)) {
    if (ControlAt(text).length > 0) return true;
  }
  return false;
}

}  // namespace sasd::cli
