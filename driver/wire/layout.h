#ifndef DRIVER_WIRE_LAYOUT_H_
#define DRIVER_WIRE_LAYOUT_H_

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "driver/base/endian.h"
#include "driver/base/strong_id.h"

// One function per structure names each field with its offset. Decoding and encoding both use it:
//
//   template <typename Io, typename Page>
//   void Layout(Io& io, Page& p) { io(0x08, p.slot); io(0x0A, p.enclosure_handle); ... }
//
// A field has the width of its type: an integer, an enum or a StrongId of 8 to 64 bits.
namespace sasd::mpi {
namespace internal {

template <typename T, typename = void>
struct WireRep {
  using type = T;
};
template <typename T>
struct WireRep<T, std::enable_if_t<std::is_enum_v<T>>> {
  using type = std::underlying_type_t<T>;
};
template <typename Tag, typename Rep>
struct WireRep<StrongId<Tag, Rep>, void> {
  using type = Rep;
};

template <typename T>
constexpr uint64_t ToWire(const T& v) {
  if constexpr (std::is_enum_v<T> || std::is_integral_v<T>) {
    return static_cast<uint64_t>(v);
  } else {
    return v.value();
  }
}

}  // namespace internal

// Loads fields. The caller checks that the bytes are long enough (see CheckSize).
template <bool kBigEndian>
class BasicLoader {
 public:
  explicit BasicLoader(ByteSpan bytes) : bytes_(bytes) {}

  template <typename T>
  void operator()(size_t at, T& v) const {
    using Rep = typename internal::WireRep<T>::type;
    uint64_t value = 0;
    for (size_t i = 0; i < sizeof(Rep); ++i) {
      const size_t shift = 8 * (kBigEndian ? sizeof(Rep) - 1 - i : i);
      value |= static_cast<uint64_t>(bytes_[at + i]) << shift;
    }
    v = static_cast<T>(static_cast<Rep>(value));
  }

 private:
  const ByteSpan bytes_;
};

// Stores fields. The caller checks that the bytes are long enough.
template <bool kBigEndian>
class BasicStorer {
 public:
  explicit BasicStorer(MutableByteSpan bytes) : bytes_(bytes) {}

  template <typename T>
  void operator()(size_t at, const T& v) const {
    using Rep = typename internal::WireRep<T>::type;
    const uint64_t value = internal::ToWire(v);
    for (size_t i = 0; i < sizeof(Rep); ++i) {
      const size_t shift = 8 * (kBigEndian ? sizeof(Rep) - 1 - i : i);
      bytes_[at + i] = static_cast<uint8_t>(value >> shift);
    }
  }

 private:
  const MutableByteSpan bytes_;
};

// MPI is little-endian; SCSI and SMP are big-endian.
using Loader = BasicLoader<false>;
using Storer = BasicStorer<false>;
using BeLoader = BasicLoader<true>;
using BeStorer = BasicStorer<true>;

// kInvalidArgument if `bytes` is too short: "SAS device page 0: 24 bytes, at least 56 are needed".
inline absl::Status CheckSize(absl::string_view what, ByteSpan bytes, size_t needed) {
  if (bytes.size() >= needed) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(what, ": ", bytes.size(), " bytes, at least ", needed, " are needed"));
}

}  // namespace sasd::mpi

#endif  // DRIVER_WIRE_LAYOUT_H_
