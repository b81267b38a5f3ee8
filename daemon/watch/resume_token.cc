#include "daemon/watch/resume_token.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"

namespace sasd::watch {
namespace {

// FNV-1a: detects tokens that were typed wrong or cut. It is no secret.
std::string Check(absl::string_view text) {
  uint32_t check = 0x811c9dc5;
  for (unsigned char c : text) check = (check ^ c) * 0x01000193;
  return absl::StrFormat("%08x", check);
}

absl::Status NotAToken(absl::string_view text, absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("\"", text, "\" is no resume token: ", why, "; use one that a watch printed"));
}

}  // namespace

std::string EncodeResumeToken(absl::string_view epoch, int64_t revision) {
  const std::string text = absl::StrCat(epoch, ".", revision);
  return absl::StrCat(text, ".", Check(text));
}

absl::StatusOr<ResumeToken> ParseResumeToken(absl::string_view text) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, '.');
  if (parts.size() != 3 || parts[0].empty()) {
    return NotAToken(text, "it is not of the form EPOCH.REVISION.CHECK");
  }
  ResumeToken token;
  token.epoch = std::string(parts[0]);
  if (!absl::SimpleAtoi(parts[1], &token.revision) || token.revision < 0) {
    return NotAToken(text, "its revision is not a number");
  }
  // One spelling per token: a parsed token is encoded to the same text.
  if (EncodeResumeToken(token.epoch, token.revision) != text) {
    return NotAToken(text, "its check does not match");
  }
  return token;
}

}  // namespace sasd::watch
