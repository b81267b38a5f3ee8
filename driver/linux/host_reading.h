#ifndef DRIVER_LINUX_HOST_READING_H_
#define DRIVER_LINUX_HOST_READING_H_

#include <vector>

#include "driver/base/sas_address.h"
#include "driver/observation.h"

namespace sasd::sysfs {

// All that one host's part of a tree tells. `observations` is in this order: host, discovery,
// enclosures, expanders (parents first), ports, phys, end devices, logical units, slots; every key
// occurs once.
struct HostReading {
  SasAddress host;
  std::vector<Observation> observations;
};

}  // namespace sasd::sysfs

#endif  // DRIVER_LINUX_HOST_READING_H_
