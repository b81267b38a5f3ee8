#include "driver/base/sas_address.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace sasd {

std::string ToHex(SasAddress address) {
  return absl::StrCat(absl::Hex(address.value(), absl::kZeroPad16));
}

absl::StatusOr<SasAddress> ParseSasAddress(absl::string_view text) {
  absl::string_view digits = absl::StripAsciiWhitespace(text);
  if (!absl::ConsumePrefix(&digits, "naa.") && !absl::ConsumePrefix(&digits, "0x")) {
    absl::ConsumePrefix(&digits, "0X");
  }
  uint64_t value = 0;
  int count = 0;
  for (char c : digits) {
    if (c == ':') continue;
    if (!absl::ascii_isxdigit(static_cast<unsigned char>(c)) || ++count > 16) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", text, "\" is not a SAS address (16 hexadecimal digits)"));
    }
    const char lower = absl::ascii_tolower(static_cast<unsigned char>(c));
    value = value << 4 | static_cast<uint64_t>(lower <= '9' ? lower - '0' : lower - 'a' + 10);
  }
  if (count == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" is not a SAS address (16 hexadecimal digits)"));
  }
  return SasAddress(value);
}

}  // namespace sasd
