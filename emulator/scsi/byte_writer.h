#ifndef EMULATOR_SCSI_BYTE_WRITER_H_
#define EMULATOR_SCSI_BYTE_WRITER_H_

#include <algorithm>
#include <cstdint>
#include <initializer_list>

#include "absl/strings/string_view.h"
#include "driver/base/endian.h"
#include "driver/base/sas_address.h"

namespace sasd::emulator::scsi {

// Lays out a SCSI parameter list: each call appends one field, big-endian.
class ByteWriter {
 public:
  ByteWriter& U8(uint8_t value) {
    bytes_.push_back(value);
    return *this;
  }
  ByteWriter& Be16(uint16_t value) {
    return U8(static_cast<uint8_t>(value >> 8)).U8(static_cast<uint8_t>(value));
  }
  ByteWriter& Be32(uint32_t value) {
    return Be16(static_cast<uint16_t>(value >> 16)).Be16(static_cast<uint16_t>(value));
  }
  ByteWriter& Be64(uint64_t value) {
    return Be32(static_cast<uint32_t>(value >> 32)).Be32(static_cast<uint32_t>(value));
  }
  ByteWriter& Address(SasAddress address) { return Be64(address.value()); }
  ByteWriter& Zeros(size_t count) {
    bytes_.resize(bytes_.size() + count);
    return *this;
  }
  ByteWriter& List(std::initializer_list<uint8_t> values) {
    bytes_.insert(bytes_.end(), values);
    return *this;
  }
  ByteWriter& Append(ByteSpan values) {
    bytes_.insert(bytes_.end(), values.begin(), values.end());
    return *this;
  }
  // Exactly `size` characters: cut, or filled with blanks.
  ByteWriter& Text(absl::string_view text, size_t size) {
    text = text.substr(0, size);
    bytes_.insert(bytes_.end(), text.begin(), text.end());
    bytes_.resize(bytes_.size() + size - text.size(), ' ');
    return *this;
  }

  size_t size() const { return bytes_.size(); }
  // Fills in a length field that was written as 0.
  void PatchBe16(size_t at, size_t value) {
    StoreBe16(absl::MakeSpan(bytes_), at, static_cast<uint16_t>(value));
  }
  Bytes Take() { return std::move(bytes_); }

 private:
  Bytes bytes_;
};

}  // namespace sasd::emulator::scsi

#endif  // EMULATOR_SCSI_BYTE_WRITER_H_
