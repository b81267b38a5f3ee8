#include "emulator/fabric/fabric_text.h"

#include <cmath>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"

namespace sasd::emulator {

absl::StatusOr<uint64_t> ParseSize(absl::string_view text, uint32_t block_size) {
  constexpr std::pair<absl::string_view, double> kUnits[] = {
      {"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"B", 1}, {"", 1}};
  for (const auto& [unit, factor] : kUnits) {
    if (!absl::EndsWith(text, unit)) continue;
    double number = 0;
    const absl::string_view digits =
        absl::StripAsciiWhitespace(text.substr(0, text.size() - unit.size()));
    if (!absl::SimpleAtod(digits, &number) || !(number > 0) || number * factor > 1e18) break;
    const uint64_t bytes = static_cast<uint64_t>(std::llround(number * factor));
    return bytes / block_size * block_size;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("size \"", text, "\" is not valid; write \"8TB\", \"600GB\" or bytes"));
}

absl::StatusOr<LinkRate> RateFromGbps(double gbps) {
  for (LinkRate rate : {LinkRate::k1_5Gbps, LinkRate::k3Gbps, LinkRate::k6Gbps, LinkRate::k12Gbps,
                        LinkRate::k22_5Gbps}) {
    if (gbps == Gbps(rate)) return rate;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("link rate ", gbps, " Gbps does not exist; use 1.5, 3, 6, 12 or 22.5"));
}

absl::StatusOr<std::string> ExpandPattern(absl::string_view pattern, uint32_t number) {
  const absl::Status error = absl::InvalidArgumentError(absl::StrCat(
      "pattern \"", pattern, "\" needs exactly one %d, %x or %X (or with a width: %03d)"));
  const size_t at = pattern.find('%');
  if (at == absl::string_view::npos) return error;
  size_t end = at + 1;
  while (end < pattern.size() && absl::ascii_isdigit(pattern[end])) ++end;
  if (end == pattern.size() || pattern.find('%', end) != absl::string_view::npos) return error;
  int width = 0;
  const absl::string_view digits = pattern.substr(at + 1, end - at - 1);
  if (!digits.empty() && (!absl::SimpleAtoi(digits, &width) || width > 20)) return error;
  std::string text;
  switch (pattern[end]) {
    case 'd':
      text = absl::StrCat(number);
      break;
    case 'x':
    case 'X':
      text = pattern[end] == 'x' ? absl::StrFormat("%x", number) : absl::StrFormat("%X", number);
      break;
    default:
      return error;
  }
  if (static_cast<int>(text.size()) < width) {
    text.insert(0, width - text.size(), absl::StartsWith(digits, "0") ? '0' : ' ');
  }
  return absl::StrCat(pattern.substr(0, at), text, pattern.substr(end + 1));
}

}  // namespace sasd::emulator
