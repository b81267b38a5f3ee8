#include "driver/sysfs/attribute_text.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace sasd::sysfs {
namespace {

absl::string_view LeadingDigits(absl::string_view text) {
  size_t n = 0;
  while (n < text.size() && absl::ascii_isdigit(text[n])) ++n;
  return text.substr(0, n);
}

// Compares two runs of digits of any length by value.
int CompareDigits(absl::string_view a, absl::string_view b) {
  while (absl::ConsumePrefix(&a, "0")) {
  }
  while (absl::ConsumePrefix(&b, "0")) {
  }
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  return a.compare(b);
}

}  // namespace

absl::string_view Trimmed(absl::string_view content) {
  return absl::StripAsciiWhitespace(content.substr(0, content.find('\0')));
}

std::string PrintableText(absl::string_view content) {
  std::string text(Trimmed(content));
  for (char& c : text) {
    if (!absl::ascii_isprint(c)) c = '?';
  }
  return text;
}

SasAddress AddressOf(absl::string_view content) {
  return SasAddress(NumberOf(content).value_or(0));
}

std::optional<uint64_t> NumberOf(absl::string_view content, uint64_t limit) {
  absl::string_view text = Trimmed(content);
  uint64_t value = 0;
  if (absl::ConsumePrefix(&text, "0x")) {
    if (text.empty() || !absl::ascii_isxdigit(text[0]) || !absl::SimpleHexAtoi(text, &value)) {
      return std::nullopt;
    }
  } else if (text.empty() || LeadingDigits(text) != text || !absl::SimpleAtoi(text, &value)) {
    return std::nullopt;
  }
  if (value > limit) return std::nullopt;
  return value;
}

LinkRate LinkRateOf(absl::string_view content) {
  const absl::string_view text = Trimmed(content);
  if (text == "12.0 Gbit") return LinkRate::k12Gbps;
  if (text == "6.0 Gbit") return LinkRate::k6Gbps;
  if (text == "22.5 Gbit") return LinkRate::k22_5Gbps;
  if (text == "3.0 Gbit") return LinkRate::k3Gbps;
  if (text == "1.5 Gbit") return LinkRate::k1_5Gbps;
  if (text == "Phy disabled") return LinkRate::kDisabled;
  if (text == "Link Rate failed") return LinkRate::kNegotiationFailed;
  if (text == "Spin-up hold") return LinkRate::kSataOobComplete;
  return LinkRate::kUnknown;
}

uint8_t ProtocolsOf(absl::string_view content) {
  uint8_t bits = 0;
  for (absl::string_view word : absl::StrSplit(Trimmed(content), absl::ByAnyChar(", "))) {
    if (word == "ssp") bits |= Protocols::kSsp;
    if (word == "stp") bits |= Protocols::kStp;
    if (word == "smp") bits |= Protocols::kSmp;
    if (word == "sata") bits |= Protocols::kSata;
  }
  return bits;
}

DeviceState DeviceStateOf(absl::string_view content) {
  const absl::string_view state = Trimmed(content);
  if (state == "created" || state == "created-blocked") return DeviceState::kAttaching;
  if (state == "blocked") return DeviceState::kBlocked;
  if (state == "cancel" || state == "deleted") return DeviceState::kRemoving;
  if (state == "offline" || state == "transport-offline") return DeviceState::kFailed;
  return DeviceState::kAttached;
}

PathPlace PathPlaceOf(absl::string_view content) {
  PathPlace place;
  for (absl::string_view line : absl::StrSplit(Trimmed(content), '\n')) {
    const std::vector<absl::string_view> words =
        absl::StrSplit(line, absl::ByAnyChar(" \t\r"), absl::SkipEmpty());
    const bool is_active = !words.empty() && words.back() == "Active";
    if (!is_active && !place.connector.empty()) continue;
    PathPlace found;
    for (size_t i = 0; i + 1 < words.size(); ++i) {
      if (words[i] == "PORT:") found.connector = PrintableText(words[i + 1]);
      const std::optional<uint64_t> number = NumberOf(words[i + 1], UINT8_MAX);
      if (words[i] == "BOX:" && number) found.box = static_cast<uint8_t>(*number);
      if (words[i] == "BAY:" && number) found.bay = static_cast<uint8_t>(*number);
    }
    if (!found.connector.empty()) place = std::move(found);
    if (is_active) break;
  }
  return place;
}

std::string BoxName(const PathPlace& place) {
  return absl::StrCat("PORT ", place.connector, place.box ? absl::StrCat(" BOX ", *place.box) : "");
}

std::optional<bool> EnclosureServicesOf(absl::string_view inquiry) {
  constexpr size_t kByte = 6;
  constexpr uint8_t kEncServ = 0x40;
  if (inquiry.size() <= kByte) return std::nullopt;
  return (static_cast<uint8_t>(inquiry[kByte]) & kEncServ) != 0;
}

std::optional<uint64_t> LunOfScsiName(absl::string_view name) {
  const size_t colon = name.rfind(':');
  if (colon == absl::string_view::npos || std::count(name.begin(), name.end(), ':') != 3) {
    return std::nullopt;
  }
  for (absl::string_view part : absl::StrSplit(name, ':')) {
    if (part.empty() || LeadingDigits(part) != part) return std::nullopt;
  }
  const std::optional<uint64_t> number = NumberOf(name.substr(colon + 1));
  if (!number) return std::nullopt;
  return *number << 48 | (*number & 0xFFFF0000) << 16 | (*number >> 16 & 0xFFFF0000) |
         *number >> 48;
}

absl::string_view LastComponent(absl::string_view path) {
  return path.substr(path.rfind('/') + 1);  // npos + 1 == 0
}

bool IsPciName(absl::string_view name) {
  constexpr absl::string_view kShape = "xxxx:xx:xx.x";
  if (name.size() < kShape.size()) return false;
  const size_t extra = name.size() - kShape.size();  // a domain can have more than four digits
  for (size_t i = 0; i < name.size(); ++i) {
    const char want = i < extra ? 'x' : kShape[i - extra];
    if (want == 'x' ? !absl::ascii_isxdigit(name[i]) : name[i] != want) return false;
  }
  return true;
}

std::optional<uint64_t> TrailingNumber(absl::string_view name) {
  size_t start = name.size();
  while (start > 0 && absl::ascii_isdigit(name[start - 1])) --start;
  return NumberOf(name.substr(start));
}

bool NaturalLess(absl::string_view a, absl::string_view b) {
  const absl::string_view whole_a = a, whole_b = b;
  while (!a.empty() && !b.empty()) {
    const absl::string_view digits_a = LeadingDigits(a), digits_b = LeadingDigits(b);
    if (!digits_a.empty() && !digits_b.empty()) {
      const int order = CompareDigits(digits_a, digits_b);
      if (order != 0) return order < 0;
      a.remove_prefix(digits_a.size());
      b.remove_prefix(digits_b.size());
      continue;
    }
    if (a[0] != b[0]) return a[0] < b[0];
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
  if (a.empty() != b.empty()) return a.empty();
  return whole_a < whole_b;
}

SasAddress LocalAddress(absl::string_view text) {
  uint64_t hash = 0xCBF29CE484222325;  // FNV-1a: the same on every start and machine
  for (char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001B3;
  return SasAddress(uint64_t{3} << 60 | hash >> 4);
}

Bytes VpdPageOf(absl::string_view content, uint8_t page) {
  constexpr absl::string_view kNul = "NULLBYTE", kLost = "\xEF\xBF\xBD";
  // No page starts with an 'N': that is a reserved device type, and no file of this kernel has it.
  if (!absl::StartsWith(content, kNul)) return Bytes(content.begin(), content.end());
  Bytes bytes;
  while (!content.empty()) {
    if (absl::ConsumePrefix(&content, kNul)) {
      bytes.push_back(0);
    } else if (absl::ConsumePrefix(&content, kLost)) {
      if (bytes.size() != 1) return {};
      bytes.push_back(page);
    } else {
      bytes.push_back(static_cast<uint8_t>(content[0]));
      content.remove_prefix(1);
    }
  }
  return bytes;
}

}  // namespace sasd::sysfs
