#include "cli/output/yaml.h"

#include <array>
#include <cctype>
#include <cstdint>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "cli/output/json.h"

namespace sasd::cli {
namespace {

void AppendUtf8(uint32_t code, std::string& out) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += {static_cast<char>(0xc0 | code >> 6), static_cast<char>(0x80 | (code & 0x3f))};
  } else if (code < 0x10000) {
    out += {static_cast<char>(0xe0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 0x3f)),
            static_cast<char>(0x80 | (code & 0x3f))};
  } else {
    out += {static_cast<char>(0xf0 | code >> 18), static_cast<char>(0x80 | (code >> 12 & 0x3f)),
            static_cast<char>(0x80 | (code >> 6 & 0x3f)), static_cast<char>(0x80 | (code & 0x3f))};
  }
}

// Reads JSON as protobuf prints it and writes YAML as it goes.
class Converter {
 public:
  explicit Converter(absl::string_view json) : rest_(json) {}

  std::string Convert() {
    Value(0, /*after_dash=*/true);
    return std::move(out_);
  }

 private:
  char Next() {
    rest_ = absl::StripLeadingAsciiWhitespace(rest_);
    return rest_.empty() ? '\0' : rest_.front();
  }

  bool Take(char c) {
    if (Next() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  // `after_dash`: the first line goes on where the cursor stands; else a collection begins a line.
  void Value(int indent, bool after_dash) {
    switch (Next()) {
      case '{':
        return Collection('}', indent, after_dash);
      case '[':
        return Collection(']', indent, after_dash);
      case '"':
        absl::StrAppend(&out_, after_dash ? "" : " ", YamlString(String()), "\n");
        return;
      default:
        absl::StrAppend(&out_, after_dash ? "" : " ", Bare(), "\n");
    }
  }

  void Collection(char close, int indent, bool after_dash) {
    rest_.remove_prefix(1);
    if (Take(close)) {
      absl::StrAppend(&out_, after_dash ? "" : " ", close == '}' ? "{}\n" : "[]\n");
      return;
    }
    if (!after_dash) out_ += "\n";
    bool first = after_dash;
    do {
      if (!first) out_.append(indent, ' ');
      first = false;
      close == '}' ? Member(indent) : Element(indent);
    } while (Take(','));
    Take(close);
  }

  void Member(int indent) {
    if (Next() != '"') return GiveUp();
    absl::StrAppend(&out_, YamlString(String()), ":");
    Take(':');
    // A list may stand at its key's own column.
    Value(Next() == '[' ? indent : indent + 2, /*after_dash=*/false);
  }

  void Element(int indent) {
    out_ += "- ";
    Value(indent + 2, /*after_dash=*/true);
  }

  std::string Bare() {
    size_t length = 0;
    while (length < rest_.size() && !absl::StrContains(",]} \n\t\r", rest_[length])) ++length;
    if (length == 0) GiveUp();
    const std::string word(rest_.substr(0, length));
    rest_.remove_prefix(length);
    return word;
  }

  std::string String() {
    rest_.remove_prefix(1);
    std::string text;
    while (!rest_.empty() && rest_.front() != '"') {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      c == '\\' ? Escape(text) : text.push_back(c);
    }
    if (!rest_.empty()) rest_.remove_prefix(1);
    return text;
  }

  void Escape(std::string& text) {
    if (rest_.empty()) return;
    const char c = rest_.front();
    rest_.remove_prefix(1);
    static constexpr absl::string_view kFrom = "nrtbf", kTo = "\n\r\t\b\f";
    if (c == 'u') {
      AppendUtf8(CodePoint(), text);
    } else {
      const size_t at = kFrom.find(c);
      text += at == absl::string_view::npos ? c : kTo[at];
    }
  }

  uint32_t Hex4() {
    uint32_t value = 0;
    for (int i = 0; i < 4 && !rest_.empty(); ++i) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      value = value << 4 | (absl::ascii_isdigit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return value;
  }

  // After "\u"; takes the second half of a surrogate pair too.
  uint32_t CodePoint() {
    const uint32_t high = Hex4();
    if (high < 0xd800 || high >= 0xdc00 || !absl::StartsWith(rest_, "\\u")) return high;
    rest_.remove_prefix(2);
    return 0x10000 + ((high - 0xd800) << 10) + (Hex4() - 0xdc00);
  }

  void GiveUp() { rest_ = {}; }

  absl::string_view rest_;
  std::string out_;
};

// What YAML 1.1 and 1.2 readers take for null or a boolean.
bool IsReservedWord(absl::string_view text) {
  static constexpr std::array<absl::string_view, 11> kWords = {
      "null", "~", "true", "false", "yes", "no", "on", "off", "y", "n", ""};
  const std::string lower = absl::AsciiStrToLower(text);
  return absl::c_linear_search(kWords, absl::string_view(lower));
}

// Numbers in any of YAML's forms, among them octal, hexadecimal, times as 11:0 (sexagesimal) and
// dates: whatever begins as one does is quoted, so that "5000c500a7b26111" stays a text in any
// reader.
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

std::string JsonToYaml(absl::string_view json) { return Converter(json).Convert(); }

}  // namespace sasd::cli
