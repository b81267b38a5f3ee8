#ifndef DRIVER_BASE_ENDIAN_H_
#define DRIVER_BASE_ENDIAN_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace sasd {

using ByteSpan = absl::Span<const uint8_t>;
using MutableByteSpan = absl::Span<uint8_t>;
using Bytes = std::vector<uint8_t>;

// Loads and stores at a byte offset. The caller checks that the span is long enough: a short span
// is a bug of the caller. MPI is little-endian, SCSI and SMP are big-endian.
inline uint8_t Load8(ByteSpan b, size_t at) { return b[at]; }
inline uint16_t LoadLe16(ByteSpan b, size_t at) {
  return static_cast<uint16_t>(b[at] | b[at + 1] << 8);
}
inline uint32_t LoadLe32(ByteSpan b, size_t at) {
  return LoadLe16(b, at) | static_cast<uint32_t>(LoadLe16(b, at + 2)) << 16;
}
inline uint64_t LoadLe64(ByteSpan b, size_t at) {
  return LoadLe32(b, at) | static_cast<uint64_t>(LoadLe32(b, at + 4)) << 32;
}
inline uint16_t LoadBe16(ByteSpan b, size_t at) {
  return static_cast<uint16_t>(b[at] << 8 | b[at + 1]);
}
inline uint32_t LoadBe32(ByteSpan b, size_t at) {
  return static_cast<uint32_t>(LoadBe16(b, at)) << 16 | LoadBe16(b, at + 2);
}
inline uint64_t LoadBe64(ByteSpan b, size_t at) {
  return static_cast<uint64_t>(LoadBe32(b, at)) << 32 | LoadBe32(b, at + 4);
}

inline void Store8(MutableByteSpan b, size_t at, uint8_t v) { b[at] = v; }
inline void StoreLe16(MutableByteSpan b, size_t at, uint16_t v) {
  b[at] = static_cast<uint8_t>(v);
  b[at + 1] = static_cast<uint8_t>(v >> 8);
}
inline void StoreLe32(MutableByteSpan b, size_t at, uint32_t v) {
  StoreLe16(b, at, static_cast<uint16_t>(v));
  StoreLe16(b, at + 2, static_cast<uint16_t>(v >> 16));
}
inline void StoreLe64(MutableByteSpan b, size_t at, uint64_t v) {
  StoreLe32(b, at, static_cast<uint32_t>(v));
  StoreLe32(b, at + 4, static_cast<uint32_t>(v >> 32));
}
inline void StoreBe16(MutableByteSpan b, size_t at, uint16_t v) {
  b[at] = static_cast<uint8_t>(v >> 8);
  b[at + 1] = static_cast<uint8_t>(v);
}
inline void StoreBe32(MutableByteSpan b, size_t at, uint32_t v) {
  StoreBe16(b, at, static_cast<uint16_t>(v >> 16));
  StoreBe16(b, at + 2, static_cast<uint16_t>(v));
}
inline void StoreBe64(MutableByteSpan b, size_t at, uint64_t v) {
  StoreBe32(b, at, static_cast<uint32_t>(v >> 32));
  StoreBe32(b, at + 4, static_cast<uint32_t>(v));
}

}  // namespace sasd

#endif  // DRIVER_BASE_ENDIAN_H_
