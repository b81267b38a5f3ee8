#include "cli/output/yaml.h"

#include <array>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/output/json.h"
#include "nlohmann/json.hpp"

namespace sasd::cli {
namespace {

// Words that readers of YAML 1.1 or 1.2 take for null or a boolean.
bool IsReservedWord(absl::string_view text) {
  static constexpr std::array<absl::string_view, 11> kWords = {
      "null", "~", "true", "false", "yes", "no", "on", "off", "y", "n", ""};
  const std::string lower = absl::AsciiStrToLower(text);
  return absl::c_linear_search(kWords, absl::string_view(lower));
}

// Whether a text begins like a number of YAML: also octal, hexadecimal, sexagesimal (11:0) and
// dates. Such a text is quoted, so that every reader takes "5000c500a7b26111" for a text.
bool LooksLikeNumber(absl::string_view text) {
  return absl::ascii_isdigit(text[0]) ||
         (absl::StrContains("+-.", text[0]) &&
          (text.size() == 1 || absl::ascii_isdigit(text[1]) || text[1] == '.' ||
           absl::EqualsIgnoreCase(text.substr(1), "inf") ||
           absl::EqualsIgnoreCase(text.substr(1), "nan")));
}

bool IsPlain(absl::string_view text) {
  if (IsReservedWord(text) || LooksLikeNumber(text)) return false;
  if (absl::StrContains("-?:,[]{}#&*!|>'\"%@`=<", text[0])) return false;
  if (text.front() == ' ' || text.back() == ' ' || text.back() == ':') return false;
  if (absl::StrContains(text, ": ") || absl::StrContains(text, " #")) return false;
  return !HasControls(text);
}

}  // namespace

// A JSON string is a YAML double-quoted scalar.
std::string YamlString(absl::string_view text) {
  return IsPlain(text) ? std::string(text) : JsonString(text);
}

namespace {

// Writes YAML in block style as the parser reads JSON.
class BlockWriter : public nlohmann::json_sax<nlohmann::json> {
 public:
  std::string Take() { return std::move(out_); }

  bool null() override { return Scalar("null"); }
  bool boolean(bool value) override { return Scalar(value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override { return Scalar(absl::StrCat(value)); }
  bool number_unsigned(number_unsigned_t value) override { return Scalar(absl::StrCat(value)); }
  bool number_float(number_float_t, const string_t& digits) override { return Scalar(digits); }
  bool string(string_t& text) override { return Scalar(YamlString(text)); }
  bool binary(binary_t&) override { return false; }  // JSON has none

  bool start_object(size_t) override { return Open('{'); }
  bool end_object() override { return Close("{}"); }
  bool start_array(size_t) override { return Open('['); }
  bool end_array() override { return Close("[]"); }

  bool key(string_t& text) override {
    BeginLine();
    absl::StrAppend(&out_, YamlString(text), ":");
    return true;
  }

  bool parse_error(size_t, const std::string&, const nlohmann::json::exception&) override {
    return false;
  }

 private:
  struct Collection {
    char kind;          // '{' or '['
    size_t indent;      // of its members
    bool on_line;       // its first member continues the line: after a dash, or at the beginning
    bool empty = true;  // so far
  };

  // Before each member.
  void BeginLine() {
    Collection& top = open_.back();
    if (!top.on_line && top.empty) out_ += "\n";
    if (!top.on_line || !top.empty) out_.append(top.indent, ' ');
    top.empty = false;
  }

  // Before each value. True where it continues the line without a blank.
  bool BeginValue() {
    if (open_.empty()) return true;
    if (open_.back().kind == '{') return false;
    BeginLine();
    out_ += "- ";
    return true;
  }

  bool Scalar(absl::string_view text) {
    absl::StrAppend(&out_, BeginValue() ? "" : " ", text, "\n");
    return true;
  }

  bool Open(char kind) {
    const bool on_line = BeginValue();
    size_t indent = 0;
    if (!open_.empty()) {
      // A list may stand at its key's own column.
      const bool at_key = open_.back().kind == '{' && kind == '[';
      indent = open_.back().indent + (at_key ? 0 : 2);
    }
    open_.push_back({kind, indent, on_line});
    return true;
  }

  bool Close(absl::string_view if_empty) {
    const Collection closed = open_.back();
    open_.pop_back();
    if (closed.empty) absl::StrAppend(&out_, closed.on_line ? "" : " ", if_empty, "\n");
    return true;
  }

  std::string out_;
  std::vector<Collection> open_;
};

}  // namespace

std::string JsonToYaml(absl::string_view json) {
  BlockWriter writer;
  (void)nlohmann::json::sax_parse(json.begin(), json.end(), &writer);
  return writer.Take();
}

}  // namespace sasd::cli
