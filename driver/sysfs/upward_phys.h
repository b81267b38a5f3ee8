#ifndef DRIVER_SYSFS_UPWARD_PHYS_H_
#define DRIVER_SYSFS_UPWARD_PHYS_H_

#include "driver/sysfs/host_reading.h"

namespace sasd::sysfs {

// mpt3sas shows neither which phys of an expander lead to its parent, nor that the drive at a phy
// was pulled: such a phy keeps its rate and loses its port. So `now` may not know the upward phys,
// or take the wrong ones for them. The phys that led up in `before` still do if all of them have a
// link and nothing else attached, and if they are as many as the parent's port has lanes. Both are
// readings of one host.
void KeepUpwardPhys(const HostReading& before, HostReading& now);

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_UPWARD_PHYS_H_
