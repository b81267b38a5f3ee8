#include "rpc/glob.h"

#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace sasd::rpc {
namespace {

// The offset of the character after the one at `at`.
size_t NextCharacter(absl::string_view text, size_t at) {
  ++at;
  while (at < text.size() && (static_cast<uint8_t>(text[at]) & 0xC0) == 0x80) ++at;
  return at;
}

}  // namespace

absl::StatusOr<Glob> Glob::Parse(absl::string_view pattern) {
  Glob glob;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '*' || pattern[i] == '?') {
      const int16_t token = pattern[i] == '*' ? kAnyText : kAnyCharacter;
      glob.is_plain_ = false;
      if (token == kAnyText && !glob.tokens_.empty() && glob.tokens_.back() == kAnyText) continue;
      glob.tokens_.push_back(token);
      continue;
    }
    if (pattern[i] == '\\' && ++i == pattern.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", pattern, "\" ends with \"\\\"; \"\\\\\" is a plain one"));
    }
    glob.tokens_.push_back(static_cast<uint8_t>(pattern[i]));
  }
  return glob;
}

std::string Glob::plain() const {
  std::string text;
  for (const int16_t token : tokens_) text.push_back(static_cast<char>(token));
  return text;
}

// Where the rest does not match, the last "*" takes one character more. Earlier ones need no second
// try: the shortest text for each leaves the most for what follows.
bool Glob::Matches(absl::string_view text) const {
  constexpr size_t kNone = static_cast<size_t>(-1);
  size_t token = 0, at = 0;
  size_t after_star = kNone, star_end = 0;
  while (at < text.size()) {
    if (token < tokens_.size() && tokens_[token] == kAnyText) {
      after_star = ++token;
      star_end = at;
    } else if (token < tokens_.size() && tokens_[token] == kAnyCharacter) {
      ++token;
      at = NextCharacter(text, at);
    } else if (token < tokens_.size() && tokens_[token] == static_cast<uint8_t>(text[at])) {
      ++token;
      ++at;
    } else if (after_star != kNone) {
      star_end = NextCharacter(text, star_end);
      token = after_star;
      at = star_end;
    } else {
      return false;
    }
  }
  while (token < tokens_.size() && tokens_[token] == kAnyText) ++token;
  return token == tokens_.size();
}

}  // namespace sasd::rpc
