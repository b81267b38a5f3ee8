#ifndef TESTS_FUZZ_PROPERTIES_H_
#define TESTS_FUZZ_PROPERTIES_H_

#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "driver/base/endian.h"

// Properties that hold for any input. A broken property ends the process; libFuzzer and the
// regression run report that as a failure.
namespace sasd::fuzz {

inline void Check(bool holds, absl::string_view property) {
  if (holds) return;
  fprintf(stderr, "property does not hold: %.*s\n", static_cast<int>(property.size()),
          property.data());
  abort();
}

inline absl::string_view TextOf(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Checks that an error has a message.
inline void CheckError(const absl::Status& status) {
  Check(!status.message().empty(), "an error has a message");
}

// Checks a codec on `bytes`. A decoded value encodes, and its encoding decodes to a value with the
// same encoding. An encoding has at most twice the bytes of the input and 1,024 more. `what` names
// the codec in the failure.
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

// CheckCodec() for a type with ToString(). The text is not empty and survives the codec.
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
