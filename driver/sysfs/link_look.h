#ifndef DRIVER_SYSFS_LINK_LOOK_H_
#define DRIVER_SYSFS_LINK_LOOK_H_

#include <cstddef>
#include <string>

#include "driver/sysfs/file_io.h"
#include "driver/sysfs/host_reading.h"

namespace sasd::sysfs {

// The result of a look.
struct LinkLook {
  size_t reads = 0;        // phys and ports looked at
  size_t next = 0;         // where the next look starts: an index of HostReading::silent
  std::string difference;  // the first one, for people: "phy-5:0:4 is at 6 Gbps, was at 12 Gbps"
};

// Compares the negotiated rates of the host's phys and the members of its ports with those last
// read (HostReading::silent). The kernel changes both without a uevent, and answers both from
// memory. Looks at `budget` of them at most, from `first` on and then from the start, and ends at
// the first difference. Before them it looks at the number of the host's resets, each time. A
// missing object is not a difference, because its removal has uevents. Nor is an error. Reads the
// tree at `root`, as ReadTree() does.
LinkLook LookAtLinks(const std::string& root, FileIo& io, const HostReading& reading, size_t first,
                     size_t budget);

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_LINK_LOOK_H_
