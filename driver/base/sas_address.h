#ifndef DRIVER_BASE_SAS_ADDRESS_H_
#define DRIVER_BASE_SAS_ADDRESS_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "driver/base/strong_id.h"

namespace sasd {

// A SAS address (SPL-4, 4.2.4): 64 bits that name a SAS port. 0 means "none". Other 64-bit names
// in NAA form (enclosure logical identifier, device name) have this type too.
using SasAddress = StrongId<struct SasAddressTag, uint64_t>;

// 16 lower-case hexadecimal digits without a prefix, as used in resource names:
// "5000c500e23ccd9d".
std::string ToHex(SasAddress address);

// Reads 1 to 16 hexadecimal digits. Colons and a prefix "0x" or "naa." are optional
// ("0x5000c500e23ccd9d", "50:00:c5:00:e2:3c:cd:9d", "naa.5000c500e23ccd9d").
// Errors: kInvalidArgument naming the text.
absl::StatusOr<SasAddress> ParseSasAddress(absl::string_view text);

}  // namespace sasd

#endif  // DRIVER_BASE_SAS_ADDRESS_H_
