#ifndef DAEMON_BACKEND_LINUX_BACKEND_H_
#define DAEMON_BACKEND_LINUX_BACKEND_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "daemon/backend/backend.h"
#include "daemon/diagnosis/live_system.h"
#include "driver/base/clock.h"
#include "driver/observation/key_assignments.h"
#include "driver/observation/observation.h"
#include "driver/sysfs/sysfs_follower.h"
#include "driver/sysfs/uevent_source.h"
#include "driver/transport/mpt3ctl/ctl_nodes.h"

namespace sasd {

struct LinuxBackendOptions {
  std::string root = "/sys";
  sysfs::FollowerOptions follower;  // the backend sets has_control_node
  bool control_nodes = true;        // also ask the firmware
  KeyAssignments* keys = nullptr;   // null: a table of its own
};

// The interfaces to the kernel, which tests replace.
struct LinuxSeams {
  std::unique_ptr<sysfs::UeventSource> uevents;  // null: none
  std::unique_ptr<mpt3ctl::CtlNodes> nodes;      // null: none
  UeventState uevent_state = {};                 // of `uevents`, for Diagnose()
};

// Starts the backend of this machine. It reads what the kernel shows, follows the kernel's uevents
// (sysfs::SysfsFollower), and takes what the firmware of mpt3sas' HBAs reports (ControlLinks).
// Returns once every host in sysfs is reported; no host is normal. Without uevents (a sandbox
// without netlink) it logs a warning, and finds changes only at a Rescan() and at the periodic
// looks at the links. WaitIdle() reports all received uevents at once. Borrows `clock`, `sink` and
// LinuxBackendOptions::keys for the backend's lifetime. Errors: as sysfs::ReadTree().
absl::StatusOr<std::unique_ptr<Backend>> StartLinuxBackend(const LinuxBackendOptions& options,
                                                           Clock& clock, ObservationSink& sink);

// The same, with these interfaces to the kernel.
absl::StatusOr<std::unique_ptr<Backend>> StartLinuxBackend(const LinuxBackendOptions& options,
                                                           LinuxSeams seams, Clock& clock,
                                                           ObservationSink& sink);

}  // namespace sasd

#endif  // DAEMON_BACKEND_LINUX_BACKEND_H_
