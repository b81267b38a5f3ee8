#ifndef DAEMON_JOURNAL_CHECKSUM_H_
#define DAEMON_JOURNAL_CHECKSUM_H_

#include <cstdint>
#include <initializer_list>

#include "absl/strings/string_view.h"

namespace sasd::journal {

// The checksum of a row: CRC-32 of its numbers, little-endian, and of its texts with their lengths.
uint32_t Checksum(std::initializer_list<int64_t> numbers,
                  std::initializer_list<absl::string_view> texts);

}  // namespace sasd::journal

#endif  // DAEMON_JOURNAL_CHECKSUM_H_
