#ifndef DRIVER_SYSFS_HOST_FACTS_H_
#define DRIVER_SYSFS_HOST_FACTS_H_

#include "driver/sysfs/host_reading.h"
#include "driver/sysfs/host_tree.h"

namespace sasd::sysfs {

// Makes observations with keys (see ReadTree()) of the objects that a walk found. Pure.
HostReading ObservationsOf(HostTree tree);

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_HOST_FACTS_H_
