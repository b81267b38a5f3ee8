#ifndef DRIVER_SYSFS_UNIT_READER_H_
#define DRIVER_SYSFS_UNIT_READER_H_

#include <cstdint>
#include <vector>

#include "driver/sysfs/host_tree.h"
#include "driver/sysfs/tree_io.h"

namespace sasd::sysfs {

// Whether an enclosure's attribute `id` is to be read. While ses.ko lets go of an enclosure, that
// read is a null pointer's in the kernel (drivers/scsi/ses.c: ses_show_id, and
// ses_intf_remove_enclosure, which sets edev->scratch to null before the attribute goes).
enum class SesId : uint8_t {
  kKnown,    // no: the end device tells it, too
  kLeaving,  // no: it would, but does not any more; its enclosure is left out
  kNeeded,
};

// The SCSI devices beneath an end device's folder (targetH:C:T/H:C:T:L), in the order of their
// LUNs, with their block and generic devices and, of an SES device, its enclosure. It needs no
// class folder: a recording may lack scsi_device, block or enclosure. `with_slot_links` looks for
// the link to an enclosure's component too: wanted only where the enclosures themselves are missing
// (a trimmed recording), for it means to list a long folder.
// `sysfs` is the root, for what the disks' holders are.
std::vector<FoundUnit> ReadUnits(TreeIo& io, const Directory& sysfs, const Directory& end_device,
                                 bool with_slot_links, SesId ses_id);

// The SAS address that the first SCSI device beneath tells, for an end device that does not know
// its own; 0 if none does.
SasAddress ReadUnitAddress(TreeIo& io, const Directory& end_device);

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_UNIT_READER_H_
