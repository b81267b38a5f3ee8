#ifndef DRIVER_SYSFS_UNIT_READER_H_
#define DRIVER_SYSFS_UNIT_READER_H_

#include <cstdint>
#include <vector>

#include "driver/sysfs/host_tree.h"
#include "driver/sysfs/tree_io.h"

namespace sasd::sysfs {

// Whether to read an enclosure's attribute `id`. While ses.ko removes an enclosure, that read
// dereferences a null pointer in the kernel (drivers/scsi/ses.c: ses_show_id, and
// ses_intf_remove_enclosure, which sets edev->scratch to null before the attribute goes).
enum class SesId : uint8_t {
  kKnown,    // no: the end device reports the enclosure
  kLeaving,  // no: the end device no longer reports it; its enclosure is left out
  kNeeded,   // yes: nothing else reports it
};

// The SCSI devices beneath an end device's folder (targetH:C:T/H:C:T:L), in the order of their
// LUNs, with their block and generic devices. An SES device has its enclosure too. Needs no class
// folder: a recording may lack scsi_device, block or enclosure. `with_slot_links` also looks for
// the link to an enclosure's component. That lists a long folder, so use it only if the enclosures
// are missing (a trimmed recording). `sysfs` is the root, to look up the disks' holders.
std::vector<FoundUnit> ReadUnits(TreeIo& io, const Directory& sysfs, const Directory& end_device,
                                 bool with_slot_links, SesId ses_id);

// The SAS address that the first SCSI device beneath an end device reports; 0 if none does. For end
// devices that do not report their own.
SasAddress ReadUnitAddress(TreeIo& io, const Directory& end_device);

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_UNIT_READER_H_
