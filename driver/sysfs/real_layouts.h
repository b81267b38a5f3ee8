#ifndef DRIVER_SYSFS_REAL_LAYOUTS_H_
#define DRIVER_SYSFS_REAL_LAYOUTS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "driver/sysfs/fake_sysfs.h"

// Real machines, rebuilt from listings that their owners published (testdata/README.md names the
// sources). Details that a listing does not show are invented, but plausible.
namespace sasd::sysfs {

// Stanford's Oak: two HBAs, each through a SAS switch to eight JBODs of three expanders, 815 drives
// over two paths each; 50 expanders. `drives_per_expander` limits the drives (51: all of them).
std::vector<FakeHost> OakInstallation(int drives_per_expander = 51);

// The same installation with its one missing drive added: 816 drives, 1,632 paths.
std::vector<FakeHost> FullOakInstallation();

// Two hosts. host5 has a Dell MD1240 with 22 disks and its SES device behind expander-5:1.
std::vector<FakeHost> DellMd1240();

// A JBOD of three expanders. The first has 12 disks and an SES device, and leads to two more by
// eight lanes each. Each of those has 39 disks and an SES device.
std::vector<FakeHost> ThreeExpanderJbod();

// The host of an mpt3sas boot log, from its lines host_add, expander_add and handle (with verbose
// logging): each device at its expander, with its handle. A device with an address that ends in bd
// becomes an SES device. One with another address that the expander made becomes a SATA disk.
// kInvalidArgument: the log has no host, or an object has an unknown parent.
absl::StatusOr<std::vector<FakeHost>> MachineOfBootLog(const std::string& log);

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_REAL_LAYOUTS_H_
