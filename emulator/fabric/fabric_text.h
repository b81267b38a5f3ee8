#ifndef EMULATOR_FABRIC_FABRIC_TEXT_H_
#define EMULATOR_FABRIC_FABRIC_TEXT_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "driver/base/link_rate.h"

// Parsers for values within a fabric file. Errors: kInvalidArgument with the allowed forms.
namespace sasd::emulator {

// "8TB", "600 GB", "3.84TB" (powers of ten) or plain bytes; rounded down to whole blocks.
absl::StatusOr<uint64_t> ParseSize(absl::string_view text, uint32_t block_size);

// 1.5, 3, 6, 12 or 22.5 Gbit/s.
absl::StatusOr<LinkRate> RateFromGbps(double gbps);

// Puts `number` in place of the one %d, %x or %X in `pattern`, which may have a width ("%03d").
absl::StatusOr<std::string> ExpandPattern(absl::string_view pattern, uint32_t number);

}  // namespace sasd::emulator

#endif  // EMULATOR_FABRIC_FABRIC_TEXT_H_
