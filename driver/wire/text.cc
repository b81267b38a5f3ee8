#include "driver/wire/text.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace sasd::mpi {

std::string TextOf(absl::Span<const Word> words, uint32_t value, absl::string_view what) {
  for (const Word& word : words) {
    if (word.value == value) return std::string(word.text);
  }
  return absl::StrFormat("%s 0x%02x", what, value);
}

std::string BitsText(absl::Span<const Word> bits, uint32_t value, absl::string_view what) {
  std::string text;
  const auto append = [&text](absl::string_view part) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", part);
  };
  for (const Word& bit : bits) {
    if ((value & bit.value) != 0) append(bit.text);
    value &= ~bit.value;
  }
  if (value != 0) append(absl::StrFormat("%s 0x%08x", what, value));
  return text;
}

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
