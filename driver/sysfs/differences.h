#ifndef DRIVER_SYSFS_DIFFERENCES_H_
#define DRIVER_SYSFS_DIFFERENCES_H_

#include <vector>

#include "driver/observation/observation.h"

namespace sasd::sysfs {

// The observations that lead from `before` to `after`, two readings of one host. First come the
// objects that are gone: logical units, end devices, expanders from the far end, enclosures. Then
// come the new and changed objects, in the order of `after`. Leaves out the units of gone devices,
// and gone phys, ports and slots, for which there is no observation.
std::vector<Observation> Differences(const std::vector<Observation>& before,
                                     const std::vector<Observation>& after);

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_DIFFERENCES_H_
