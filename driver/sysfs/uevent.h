#ifndef DRIVER_SYSFS_UEVENT_H_
#define DRIVER_SYSFS_UEVENT_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace sasd::sysfs {

// A uevent of the kernel (lib/kobject_uevent.c of Linux). A plain value. It says where to look. Its
// object may have changed again, or be gone.
struct Uevent {
  std::string action;     // "add", "remove", "change", "bind", "unbind", "move", ...
  std::string devpath;    // below /sys: "/devices/pci0000:00/0000:03:00.0/host5/scsi_host/host5"
  std::string subsystem;  // "scsi_host"
  uint64_t sequence_number = 0;  // SEQNUM; 0: unknown
};

// The part of the tree to read again because of a uevent.
struct UeventScope {
  enum class Kind : uint8_t { kNothing, kHost, kHolder, kTree };
  Kind kind = Kind::kNothing;
  // kHost: "host5", which need not be a SAS host. kHolder: "dm-3", "md127", a device on top of
  // disks. Borrows the uevent.
  absl::string_view name;
};

// Decides by the uevent's text alone, so that the path need not exist.
// - scsi, scsi_host, sas_*, enclosure, bsg, scsi_generic: the outermost hostN of the path, or the
//   tree if the path has none
// - pci: the tree, because the hosts below come and go with the function
// - block: the outermost hostN of the path; for dm and MD the hosts of the disks below; nothing for
//   other devices without a SCSI host (NVMe, loop)
// - other subsystems: nothing
UeventScope ScopeOf(const Uevent& uevent);

// The name of the outermost folder hostN of a path; empty if there is none. Borrows the path.
absl::string_view HostIn(absl::string_view path);

// For people: "remove block/sdx".
std::string Describe(const Uevent& uevent);

// Ranks uevents of one burst by how well Describe() explains the burst to people. Lower is better:
// a disk, then its end device, then the devices that come with it.
int RankOf(const Uevent& uevent);

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_UEVENT_H_
