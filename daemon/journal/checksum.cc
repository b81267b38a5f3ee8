#include "daemon/journal/checksum.h"

#include <zlib.h>

namespace sasd::journal {
namespace {

uLong AddNumber(uLong sum, uint64_t number) {
  Bytef bytes[8];
  for (Bytef& byte : bytes) {
    byte = static_cast<Bytef>(number);
    number >>= 8;
  }
  return crc32_z(sum, bytes, sizeof bytes);
}

}  // namespace

uint32_t Checksum(std::initializer_list<int64_t> numbers,
                  std::initializer_list<absl::string_view> texts) {
  uLong sum = 0;
  for (int64_t number : numbers) sum = AddNumber(sum, static_cast<uint64_t>(number));
  for (absl::string_view text : texts) {
    sum = AddNumber(sum, text.size());
    // With a null pointer crc32_z starts over.
    if (!text.empty()) sum = crc32_z(sum, reinterpret_cast<const Bytef*>(text.data()), text.size());
  }
  return static_cast<uint32_t>(sum);
}

}  // namespace sasd::journal
