#ifndef DRIVER_OBSERVATION_HOST_KEY_H_
#define DRIVER_OBSERVATION_HOST_KEY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "driver/base/sas_address.h"

namespace sasd {

// Where a host is plugged in: the discriminator of hosts with one SAS address. A PCI function, or,
// for a host without one (a platform device), its place in sysfs; and the number of the host there
// (isci has two hosts on one function). The kernel keeps all of these across a restart, as long as
// no card moves. A value: 8 bytes that order, compare and hash. The default value is "not known".
class HostLocation {
 public:
  constexpr HostLocation() = default;
  // Of the PCI address "0000:82:00.0"; not known if the text is none. `index` counts the hosts of
  // the function, from 0.
  static HostLocation OfPci(absl::string_view pci_address, uint8_t index = 0);
  // Of a path in sysfs, "devices/platform/HISI0162:01", or another text that stays the same. Keeps
  // a hash of it. Not known if the text is empty.
  static HostLocation OfPath(absl::string_view path, uint8_t index = 0);
  // OfPci(), or OfPath() where there is no PCI address.
  static HostLocation Of(absl::string_view pci_address, absl::string_view path, uint8_t index = 0);

  // The inverses of ToText() and value(); nothing for another spelling or value.
  static std::optional<HostLocation> Parse(absl::string_view text);
  static std::optional<HostLocation> FromValue(uint64_t value);

  constexpr bool known() const { return value_ != 0; }
  constexpr uint64_t value() const { return value_; }
  // A part of a resource name: "0000.82.00.0", the PCI address with dots, because a colon separates
  // verbs in resource names (AIP-136) and words in shells; "0000.82.00.0.1" for the second host of
  // the function; "path.1a2b3c4d5e6f". Empty if not known.
  std::string ToText() const;
  // For people: "PCI address 0000:82:00.0", with ", host 1" if it is not the first one there;
  // "sysfs path 1a2b3c4d5e6f". Empty if not known.
  std::string Describe() const;

  friend constexpr bool operator==(HostLocation a, HostLocation b) { return a.value_ == b.value_; }
  friend constexpr bool operator!=(HostLocation a, HostLocation b) { return a.value_ != b.value_; }
  friend constexpr bool operator<(HostLocation a, HostLocation b) { return a.value_ < b.value_; }
  template <typename H>
  friend H AbslHashValue(H h, HostLocation location) {
    return H::combine(std::move(h), location.value_);
  }

 private:
  // Bits 63..56: what it is (kPci, kPath; 0: not known). 55..48: the index. 47..0: of a PCI
  // function domain (32 bits), bus (8), device (5) and function (3); of a path its hash.
  constexpr explicit HostLocation(uint64_t value) : value_(value) {}
  uint64_t value_ = 0;
};

// The key of a host: its SAS address. Of several hosts with one address the first has the plain
// key, and each further one has its location in the key, too (key_assignments.h decides, and
// remembers). The default value is "none".
struct HostKey {
  SasAddress address;
  HostLocation location;  // not known: the plain key

  constexpr HostKey() = default;
  constexpr explicit HostKey(SasAddress host, HostLocation where = HostLocation())
      : address(host), location(where) {}

  friend bool operator==(const HostKey& a, const HostKey& b) {
    return a.address == b.address && a.location == b.location;
  }
  friend bool operator!=(const HostKey& a, const HostKey& b) { return !(a == b); }
  friend bool operator<(const HostKey& a, const HostKey& b) {
    return a.address != b.address ? a.address < b.address : a.location < b.location;
  }
  template <typename H>
  friend H AbslHashValue(H h, const HostKey& k) {
    return H::combine(std::move(h), k.address, k.location);
  }
};

// As in resource names: "500605b00ab01234"; "500605b00ab01234-0000.82.00.0" with a location.
std::string ToText(const HostKey& host);
// The inverse; nothing for another spelling.
std::optional<HostKey> ParseHostKey(absl::string_view text);

}  // namespace sasd

#endif  // DRIVER_OBSERVATION_HOST_KEY_H_
