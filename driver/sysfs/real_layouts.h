#ifndef DRIVER_SYSFS_REAL_LAYOUTS_H_
#define DRIVER_SYSFS_REAL_LAYOUTS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "driver/sysfs/fake_sysfs.h"

// Real machines whose owners published listings but not their sysfs: rebuilt from what the listing
// shows (testdata/README.md names the sources). What it does not show is made up, but plausible.
namespace sasd::sysfs {

// Stanford's Oak: two HBAs, each through a SAS switch to eight JBODs of three expanders, 815 drives
// over two paths each; 50 expanders. `drives_per_expander` limits the drives (51: all of them).
std::vector<FakeHost> OakInstallation(int drives_per_expander = 51);

// The same with the drive that is missing there: 816 drives, 1,632 paths.
std::vector<FakeHost> FullOakInstallation();

// Two hosts, of which host5 has a Dell MD1240 with 22 disks and its SES device behind expander-5:1.
std::vector<FakeHost> DellMd1240();

// A JBOD of three expanders: 12 disks and an SES device at the first, which leads by eight lanes
// each to two more with 39 disks and an SES device.
std::vector<FakeHost> ThreeExpanderJbod();

// The host that a boot log of mpt3sas tells of by its lines host_add, expander_add and handle (with
// verbose logging): each device at its expander, with its handle. An address ending in bd is taken
// for an SES device, another one of the expander's make for a SATA disk. kInvalidArgument: there is
// no host, or something has an unknown parent.
absl::StatusOr<std::vector<FakeHost>> MachineOfBootLog(const std::string& log);

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_REAL_LAYOUTS_H_
