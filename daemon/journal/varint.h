#ifndef DAEMON_JOURNAL_VARINT_H_
#define DAEMON_JOURNAL_VARINT_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace sasd::journal {

// Numbers of seven bits a byte, the least significant ones first.
inline void PutVarint(uint64_t value, std::string* out) {
  for (; value >= 0x80; value >>= 7) out->push_back(static_cast<char>(value | 0x80));
  out->push_back(static_cast<char>(value));
}

// Takes a number from the beginning of `bytes`. False: the bytes are damaged.
inline bool GetVarint(absl::string_view* bytes, uint64_t* value) {
  *value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (bytes->empty()) return false;
    const auto byte = static_cast<uint8_t>(bytes->front());
    bytes->remove_prefix(1);
    *value |= uint64_t{byte & 0x7fu} << shift;
    if ((byte & 0x80) == 0) return true;
  }
  return false;
}

}  // namespace sasd::journal

#endif  // DAEMON_JOURNAL_VARINT_H_
