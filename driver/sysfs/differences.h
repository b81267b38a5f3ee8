#ifndef DRIVER_SYSFS_DIFFERENCES_H_
#define DRIVER_SYSFS_DIFFERENCES_H_

#include <vector>

#include "driver/observation/observation.h"

namespace sasd::sysfs {

// What has to be told to somebody who knows `before` so that he knows `after`, both readings of one
// host: first what is gone (logical units, end devices, then expanders from the far end, then
// enclosures), then what is new or changed, in the order of `after`. A unit of a gone device is not
// told, nor what has no observation of its going: a phy, port or slot.
std::vector<Observation> Differences(const std::vector<Observation>& before,
                                     const std::vector<Observation>& after);

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_DIFFERENCES_H_
