#ifndef DRIVER_LINUX_UNIT_READER_H_
#define DRIVER_LINUX_UNIT_READER_H_

#include <vector>

#include "driver/linux/host_tree.h"
#include "driver/linux/tree_io.h"

namespace sasd::sysfs {

// The SCSI devices beneath an end device's folder (targetH:C:T/H:C:T:L), in the order of their
// LUNs, with their block and generic devices and, of an SES device, its enclosure. It needs no
// class folder: a recording may lack scsi_device, block or enclosure. `with_slot_links` looks for
// the link to an enclosure's component too: wanted only where the enclosures themselves are missing
// (a trimmed recording), for it means to list a long folder.
// `sysfs` is the root, for what the disks' holders are.
std::vector<FoundUnit> ReadUnits(TreeIo& io, const Directory& sysfs, const Directory& end_device,
                                 bool with_slot_links);

// The SAS address that the first SCSI device beneath tells, for an end device that does not know
// its own; 0 if none does.
SasAddress ReadUnitAddress(TreeIo& io, const Directory& end_device);

}  // namespace sasd::sysfs

#endif  // DRIVER_LINUX_UNIT_READER_H_
