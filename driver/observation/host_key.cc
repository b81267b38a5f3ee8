#include "driver/observation/host_key.h"

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"

namespace sasd {
namespace {

constexpr uint64_t kPci = 1, kPath = 2;
constexpr absl::string_view kPathWord = "path";
constexpr size_t kHashDigits = 12;

constexpr uint64_t Pack(uint64_t kind, uint64_t index, uint64_t place) {
  return kind << 56 | index << 48 | place;
}

// Lower-case hexadecimal digits; `size` is the number of digits (0: at least one, at most 8).
std::optional<uint64_t> HexNumber(absl::string_view text, size_t size) {
  if (size != 0 ? text.size() != size : text.empty() || text.size() > 8) return std::nullopt;
  uint64_t value = 0;
  for (const char c : text) {
    if (!absl::ascii_isxdigit(static_cast<unsigned char>(c)) ||
        absl::ascii_isupper(static_cast<unsigned char>(c))) {
      return std::nullopt;
    }
    value = value << 4 | static_cast<uint64_t>(c <= '9' ? c - '0' : c - 'a' + 10);
  }
  return value;
}

// FNV-1a, folded to 48 bits: equal on every machine and in every release, because names keep it.
uint64_t HashOf(absl::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return (hash ^ hash >> 48) & 0xffffffffffff;
}

// "0000:82:00.0" or, with dots, "0000.82.00.0".
std::optional<uint64_t> PciPlace(absl::string_view domain, absl::string_view bus,
                                 absl::string_view device, absl::string_view function) {
  const std::optional<uint64_t> parts[] = {HexNumber(domain, 0), HexNumber(bus, 2),
                                           HexNumber(device, 2), HexNumber(function, 1)};
  for (const auto& part : parts) {
    if (!part) return std::nullopt;
  }
  if (domain.size() < 4 || *parts[2] > 0x1f || *parts[3] > 7) return std::nullopt;
  return *parts[0] << 16 | *parts[1] << 8 | *parts[2] << 3 | *parts[3];
}

std::string PciText(uint64_t place, char separator) {
  return absl::StrFormat("%04x%c%02x%c%02x.%x", place >> 16 & 0xffffffff, separator,
                         place >> 8 & 0xff, separator, place >> 3 & 0x1f, place & 7);
}

}  // namespace

HostLocation HostLocation::OfPci(absl::string_view pci_address, uint8_t index) {
  const std::vector<absl::string_view> parts = absl::StrSplit(pci_address, absl::ByAnyChar(":."));
  if (parts.size() != 4) return HostLocation();
  const std::optional<uint64_t> place = PciPlace(parts[0], parts[1], parts[2], parts[3]);
  return place ? HostLocation(Pack(kPci, index, *place)) : HostLocation();
}

HostLocation HostLocation::OfPath(absl::string_view path, uint8_t index) {
  return path.empty() ? HostLocation() : HostLocation(Pack(kPath, index, HashOf(path)));
}

HostLocation HostLocation::Of(absl::string_view pci_address, absl::string_view path,
                              uint8_t index) {
  const HostLocation pci = OfPci(pci_address, index);
  return pci.known() ? pci : OfPath(path, index);
}

std::optional<HostLocation> HostLocation::Parse(absl::string_view text) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, '.');
  const bool path = parts[0] == kPathWord;
  const size_t place_parts = path ? 2 : 4;
  if (parts.size() < place_parts || parts.size() > place_parts + 1) return std::nullopt;
  uint32_t index = 0;
  if (parts.size() > place_parts && !absl::SimpleAtoi(parts.back(), &index)) return std::nullopt;
  const std::optional<uint64_t> place =
      path ? HexNumber(parts[1], kHashDigits) : PciPlace(parts[0], parts[1], parts[2], parts[3]);
  if (!place || index > UINT8_MAX) return std::nullopt;
  const HostLocation location(Pack(path ? kPath : kPci, index, *place));
  if (location.ToText() != text) return std::nullopt;
  return location;
}

std::optional<HostLocation> HostLocation::FromValue(uint64_t value) {
  const uint64_t kind = value >> 56;
  const bool valid = value == 0 || kind == kPci || kind == kPath;
  return valid ? std::optional<HostLocation>(HostLocation(value)) : std::nullopt;
}

std::string HostLocation::ToText() const {
  if (!known()) return "";
  const uint64_t place = value_ & 0xffffffffffff, index = value_ >> 48 & 0xff;
  std::string text =
      value_ >> 56 == kPci ? PciText(place, '.') : absl::StrFormat("%s.%012x", kPathWord, place);
  if (index != 0) absl::StrAppend(&text, ".", index);
  return text;
}

std::string HostLocation::Describe() const {
  if (!known()) return "";
  const uint64_t place = value_ & 0xffffffffffff, index = value_ >> 48 & 0xff;
  std::string text = value_ >> 56 == kPci ? absl::StrCat("PCI address ", PciText(place, ':'))
                                          : absl::StrFormat("sysfs path %012x", place);
  if (index != 0) absl::StrAppend(&text, ", host ", index);
  return text;
}

std::string ToText(const HostKey& host) {
  return host.location.known() ? absl::StrCat(ToHex(host.address), "-", host.location.ToText())
                               : ToHex(host.address);
}

std::optional<HostKey> ParseHostKey(absl::string_view text) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits('-', 1));
  if (parts.first.size() != 16) return std::nullopt;
  const absl::StatusOr<SasAddress> address = ParseSasAddress(parts.first);
  if (!address.ok() || ToHex(*address) != parts.first) return std::nullopt;
  if (parts.first.size() == text.size()) return HostKey(*address);
  const std::optional<HostLocation> location = HostLocation::Parse(parts.second);
  if (!location) return std::nullopt;
  return HostKey(*address, *location);
}

}  // namespace sasd
