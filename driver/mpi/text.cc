#include "driver/mpi/text.h"

namespace sasd::mpi {

std::string LoadText(ByteSpan bytes, size_t at, size_t size) {
  std::string text;
  for (uint8_t byte : bytes.subspan(at, size)) {
    if (byte == 0) break;
    if (byte >= 0x20 && byte < 0x7F) text.push_back(static_cast<char>(byte));
  }
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

void StoreText(absl::string_view text, MutableByteSpan bytes, size_t at, size_t size, char pad) {
  for (size_t i = 0; i < size; ++i) {
    bytes[at + i] = static_cast<uint8_t>(i < text.size() ? text[i] : pad);
  }
}

}  // namespace sasd::mpi
