#ifndef RPC_GLOB_H_
#define RPC_GLOB_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sasd::rpc {

// A pattern for a whole text: "*" is any text, "?" any UTF-8 character, "\" makes the next
// character plain. Immutable, hence thread-safe.
class Glob {
 public:
  // Error: kInvalidArgument for a "\" at the end.
  static absl::StatusOr<Glob> Parse(absl::string_view pattern);

  // Whether the pattern has no "*" and no "?"; then it matches `plain()` alone.
  bool is_plain() const { return is_plain_; }
  // The pattern without its "\"; only if is_plain().
  std::string plain() const;

  // Takes at most (length of the pattern) * (length of the text) steps.
  bool Matches(absl::string_view text) const;

 private:
  static constexpr int16_t kAnyText = -1, kAnyCharacter = -2;

  std::vector<int16_t> tokens_;  // bytes, or one of the above
  bool is_plain_ = true;
};

}  // namespace sasd::rpc

#endif  // RPC_GLOB_H_
