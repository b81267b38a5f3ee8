#ifndef TESTS_FUZZ_PROPERTIES_H_
#define TESTS_FUZZ_PROPERTIES_H_

#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "driver/base/endian.h"

// What holds for any input. A property that does not ends the process, which is what libFuzzer and
// the regression run take for a finding.
namespace sasd::fuzz {

inline void Check(bool holds, absl::string_view property) {
  if (holds) return;
  fprintf(stderr, "does not hold: %.*s\n", static_cast<int>(property.size()), property.data());
  abort();
}

inline absl::string_view TextOf(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// An error says what is wrong.
inline void CheckError(const absl::Status& status) {
  Check(!status.message().empty(), "an error has a message");
}

// What decodes, encodes; and what was encoded decodes to the same value: it is encoded to the same
// bytes. What a value needs is in proportion to its input.
template <typename Decode, typename Encode>
void CheckCodec(const Decode& decode, const Encode& encode, ByteSpan bytes,
                absl::string_view what) {
  const auto value = decode(bytes);
  if (!value.ok()) return CheckError(value.status());
  const Bytes encoded = encode(*value);
  Check(encoded.size() <= 2 * bytes.size() + 1024, what);
  const auto again = decode(encoded);
  Check(again.ok(), what);
  Check(encode(*again) == encoded, what);
}

// The same of what has a text.
template <typename Decode, typename Encode>
void CheckTextCodec(const Decode& decode, const Encode& encode, ByteSpan bytes,
                    absl::string_view what) {
  CheckCodec(decode, encode, bytes, what);
  const auto value = decode(bytes);
  if (!value.ok()) return;
  const std::string text = ToString(*value);
  Check(!text.empty(), what);
  Check(ToString(*decode(encode(*value))) == text, what);
}

}  // namespace sasd::fuzz

#endif  // TESTS_FUZZ_PROPERTIES_H_
