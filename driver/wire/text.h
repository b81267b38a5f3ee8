#ifndef DRIVER_WIRE_TEXT_H_
#define DRIVER_WIRE_TEXT_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "driver/base/endian.h"

namespace sasd::mpi {

// A number, or bits of one, and its text.
struct Word {
  uint32_t value;
  absl::string_view text;
};

// The text of `value`, or "`what` 0x.." if it has none.
std::string TextOf(absl::Span<const Word> words, uint32_t value, absl::string_view what);

// The texts of the set bits, joined by ", ". Bits without a text give "`what` 0x..". Empty for 0.
std::string BitsText(absl::Span<const Word> bits, uint32_t value, absl::string_view what);

// The text field of `size` bytes at `at`, up to the first NUL, without unprintable characters and
// trailing blanks. The caller checks that `bytes` holds the field.
std::string LoadText(ByteSpan bytes, size_t at, size_t size);

// Stores `text` in `size` bytes at `at`: cuts a longer one, fills up a shorter one with `pad`.
void StoreText(absl::string_view text, MutableByteSpan bytes, size_t at, size_t size,
               char pad = '\0');

}  // namespace sasd::mpi

#endif  // DRIVER_WIRE_TEXT_H_
