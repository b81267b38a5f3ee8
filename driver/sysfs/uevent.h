#ifndef DRIVER_SYSFS_UEVENT_H_
#define DRIVER_SYSFS_UEVENT_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace sasd::sysfs {

// A uevent of the kernel (lib/kobject_uevent.c of Linux). A plain value. It says where to look, not
// what is there: what it names may have changed again, or be gone.
struct Uevent {
  std::string action;     // "add", "remove", "change", "bind", "unbind", "move", ...
  std::string devpath;    // below /sys: "/devices/pci0000:00/0000:03:00.0/host5/scsi_host/host5"
  std::string subsystem;  // "scsi_host"
  uint64_t sequence_number = 0;  // SEQNUM; 0: unknown
};

// What has to be read anew because of a uevent.
struct UeventScope {
  enum class Kind : uint8_t { kNothing, kHost, kHolder, kTree };
  Kind kind = Kind::kNothing;
  // kHost: "host5", perhaps of no SAS host. kHolder: "dm-3", "md127", a device on top of disks.
  // Borrows the uevent.
  absl::string_view name;
};

// By the text alone, so that it holds for paths that do not exist: of block, scsi, scsi_host,
// sas_*, enclosure, bsg and scsi_generic the outermost hostN that the path leads through, of pci
// the tree (with a function come and go the hosts below), and the tree where there is no such
// host. Of dm and MD the hosts of the disks below. Nothing of other subsystems, nor of another
// block device of no SCSI host (NVMe, loop).
UeventScope ScopeOf(const Uevent& uevent);

// The outermost folder hostN of a path, as text; empty if there is none. Borrows the path.
absl::string_view HostIn(absl::string_view path);

// For people: "remove block/sdx".
std::string Describe(const Uevent& uevent);

// How much the subsystem's name in Describe() tells people of what happened; less is more: a disk
// before its end device before what comes with it.
int RankOf(const Uevent& uevent);

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_UEVENT_H_
