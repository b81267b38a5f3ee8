#ifndef DRIVER_WIRE_TEST_BYTES_H_
#define DRIVER_WIRE_TEST_BYTES_H_

#include <cstddef>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "driver/base/endian.h"
#include "gtest/gtest.h"

namespace sasd::mpi {

// The bytes of a hexadecimal text. Blanks may stand anywhere: FromHex("00 40  5000c500").
inline Bytes FromHex(absl::string_view text) {
  const std::string bytes = absl::HexStringToBytes(absl::StrReplaceAll(text, {{" ", ""}}));
  return Bytes(bytes.begin(), bytes.end());
}

// `bytes` zero bytes, as text for FromHex().
inline std::string Zeros(size_t bytes) { return std::string(2 * bytes, '0'); }

// Decodes every prefix of `bytes` from memory of exactly its size. Prefixes of at least `needed`
// bytes decode; shorter ones give kInvalidArgument with a message.
template <typename Decode>
void ExpectDecodesFrom(const Decode& decode, const Bytes& bytes, size_t needed) {
  for (size_t size = 0; size <= bytes.size(); ++size) {
    Bytes prefix(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    prefix.shrink_to_fit();
    const auto decoded = decode(ByteSpan(prefix));
    EXPECT_EQ(decoded.ok(), size >= needed) << size << " bytes: " << decoded.status();
    if (!decoded.ok()) {
      EXPECT_EQ(decoded.status().code(), absl::StatusCode::kInvalidArgument);
      EXPECT_FALSE(decoded.status().message().empty());
    }
  }
}

}  // namespace sasd::mpi

#endif  // DRIVER_WIRE_TEST_BYTES_H_
