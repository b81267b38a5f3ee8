#ifndef DAEMON_BACKEND_LINUX_BACKEND_H_
#define DAEMON_BACKEND_LINUX_BACKEND_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "daemon/backend/backend.h"
#include "daemon/diagnosis/live_system.h"
#include "driver/base/clock.h"
#include "driver/observation/observation.h"
#include "driver/sysfs/sysfs_follower.h"
#include "driver/sysfs/uevent_source.h"
#include "driver/transport/mpt3ctl/ctl_nodes.h"

namespace sasd {

struct LinuxBackendOptions {
  std::string root = "/sys";
  sysfs::FollowerOptions follower;  // the backend sets has_control_node
  bool control_nodes = true;        // ask the firmware, too
};

// The seams to the kernel.
struct LinuxSeams {
  std::unique_ptr<sysfs::UeventSource> uevents;  // null: none
  std::unique_ptr<mpt3ctl::CtlNodes> nodes;      // null: none
  UeventState uevent_state = {};                 // of `uevents`, for a diagnosis
};

// This machine: what its kernel shows, followed by the kernel's uevents (sysfs::SysfsFollower), and
// what the firmware of mpt3sas' HBAs reports (ControlLinks). Returns when sysfs has shown every
// host of now; none is normal. Without uevents (a sandbox without netlink) it logs that; Rescan()
// and the periodic reading of links remain. WaitIdle() reports at once what has been received.
// Borrows clock and sink. Errors: as sysfs::ReadTree().
absl::StatusOr<std::unique_ptr<Backend>> StartLinuxBackend(const LinuxBackendOptions& options,
                                                           Clock& clock, ObservationSink& sink);

// The same with these seams.
absl::StatusOr<std::unique_ptr<Backend>> StartLinuxBackend(const LinuxBackendOptions& options,
                                                           LinuxSeams seams, Clock& clock,
                                                           ObservationSink& sink);

}  // namespace sasd

#endif  // DAEMON_BACKEND_LINUX_BACKEND_H_
