#ifndef DRIVER_PCI_DISK_USERS_H_
#define DRIVER_PCI_DISK_USERS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "driver/pci/machine_files.h"

namespace sasd::pci {

// Who uses a device node below an HBA: one clause about it.
struct DiskUser {
  std::string device;  // "sda", "sda1", "sg3", "st0"
  std::string use;     // "mounted on /srv", "part of md127", "open in smartd (pid 812)"
};

// Whether to try claims, by opening the disks.
enum class Claims : uint8_t { kTried, kNotTried };

// The device nodes below the function: block devices with their partitions, SCSI generic nodes,
// tapes, by name.
std::vector<std::string> DevicesBelow(const MachineFiles& files, absl::string_view address);

// Everything that uses them, as far as this process may see: mounts, swap, holders (md, dm, LVM,
// bcache), any holder of a whole disk (ZFS, another namespace's mounts), open files of processes.
// Each use is named once. Only root sees the files of all processes.
std::vector<DiskUser> FindDiskUsers(const MachineFiles& files, absl::string_view address,
                                    Claims claims = Claims::kTried);

}  // namespace sasd::pci

#endif  // DRIVER_PCI_DISK_USERS_H_
