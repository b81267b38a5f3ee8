#ifndef DRIVER_SYSFS_HOST_FACTS_H_
#define DRIVER_SYSFS_HOST_FACTS_H_

#include "driver/base/sas_address.h"
#include "driver/observation/host_key.h"
#include "driver/observation/key_assignments.h"
#include "driver/sysfs/host_reading.h"
#include "driver/sysfs/host_tree.h"

namespace sasd::sysfs {

// The address in the key of the host (see ReadTree()). Pure.
SasAddress AddressOf(const HostTree& tree);

// Makes observations with keys (see ReadTree()) of the objects that a walk found. `keys` numbers
// the nodes.
HostReading ObservationsOf(HostTree tree, const HostKey& host, KeyAssignments& keys);

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_HOST_FACTS_H_
