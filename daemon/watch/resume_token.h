#ifndef DAEMON_WATCH_RESUME_TOKEN_H_
#define DAEMON_WATCH_RESUME_TOKEN_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sasd::watch {

// The position of a subscriber: it has all events up to `revision` of `epoch`.
struct ResumeToken {
  std::string epoch;
  int64_t revision = 0;
};

// Opaque text for clients: "{epoch}.{revision}.{check}".
std::string EncodeResumeToken(absl::string_view epoch, int64_t revision);

// Errors: kInvalidArgument with the text and the reason.
absl::StatusOr<ResumeToken> ParseResumeToken(absl::string_view text);

}  // namespace sasd::watch

#endif  // DAEMON_WATCH_RESUME_TOKEN_H_
