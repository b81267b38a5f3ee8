#ifndef DRIVER_SYSFS_HOST_READING_H_
#define DRIVER_SYSFS_HOST_READING_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "driver/base/link_rate.h"
#include "driver/base/sas_address.h"
#include "driver/observation/observation.h"

namespace sasd::sysfs {

// A fact that the kernel changes without a uevent, as last read: the negotiated rate of a phy, or
// the member phys of a port.
struct SilentFact {
  enum class Kind : uint8_t { kPhyRate, kPortMembers };
  Kind kind = Kind::kPhyRate;
  std::string os_name;                 // "phy-11:0:4", "port-11:0:1"
  LinkRate rate = LinkRate::kUnknown;  // of a phy
  std::string members;                 // of a port, in natural order: "phy-11:0:4 phy-11:0:5"
};

// All facts of one host in a tree. `observations` is in this order: host, discovery, enclosures,
// expanders (parents first), ports, phys, end devices, logical units, slots. Every key occurs once.
struct HostReading {
  HostKey host;
  std::string os_name;  // "host11"
  std::vector<Observation> observations;
  std::vector<SilentFact> silent;  // every phy and every port
  // The host's resets, which have no uevents and renumber its handles; not all drivers count them.
  std::optional<uint32_t> reset_count;
};

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_HOST_READING_H_
