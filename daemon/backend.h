#ifndef DAEMON_BACKEND_H_
#define DAEMON_BACKEND_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daemon/diagnosis/check.h"
#include "daemon/diagnosis/live_system.h"
#include "daemon/registry/topology.h"
#include "driver/base/clock.h"
#include "driver/emulator/emulator.h"
#include "driver/linux/sysfs_follower.h"
#include "driver/linux/uevent_source.h"
#include "driver/observation.h"
#include "driver/transport/mpt3ctl/ctl_nodes.h"

namespace sasd {

// Where a sasd's facts come from. It observes into a sink from its start to its destruction.
// Thread-safe.
class Backend {
 public:
  virtual ~Backend() = default;

  // For people: "sysfs /sys", "virtual HBA, fabric demo".
  virtual const std::string& description() const = 0;

  // The virtual HBAs; null if there are none.
  virtual emulator::Emulator* emulator() = 0;

  // Looks at everything anew; what differs is told. Errors: what could not be read.
  virtual absl::Status Rescan() = 0;

  // Waits until all that has happened so far is told. kDeadlineExceeded names what is going on.
  virtual absl::Status WaitIdle(absl::Duration timeout) = 0;

  // Closes whatever keeps the kernel from unloading its drivers, so that less is known from now on:
  // until an HBA comes anew or Rescan(). When it returns nothing is open.
  virtual void Release() {}

  // What is seen and what not, and what mends it. `topology` is what has become of what was told.
  // Does not wait and touches no device.
  virtual std::vector<DiagnosisCheck> Diagnose(const registry::Topology& topology) = 0;
};

// Virtual HBAs on a fabric: a shipped name or file (emulator::LoadFabric), or a regular one of any
// size, "synthetic:HOSTSxEXPANDERSxDEVICES" (expanders per host, devices per expander). `seed`
// decides what the fabric leaves open. Returns when every host is known. Borrows clock and sink.
absl::StatusOr<std::unique_ptr<Backend>> StartVirtualBackend(const std::string& fabric,
                                                             uint64_t seed, Clock& clock,
                                                             ObservationSink& sink);

// A Linux sysfs tree, read once now and at each Rescan(). Borrows clock and sink.
absl::StatusOr<std::unique_ptr<Backend>> StartSysfsBackend(const std::string& root, Clock& clock,
                                                           ObservationSink& sink);

struct LinuxBackendOptions {
  std::string root = "/sys";
  sysfs::FollowerOptions follower;  // has_control_node is the backend's
  bool control_nodes = true;        // ask the firmware, too
};

// The seams to the kernel.
struct LinuxSeams {
  std::unique_ptr<sysfs::UeventSource> uevents;  // null: none
  std::unique_ptr<mpt3ctl::CtlNodes> nodes;      // null: none
  UeventState uevent_state = {};                 // of `uevents`, for a diagnosis
};

// This machine as its kernel shows it, followed by the kernel's uevents (sysfs::SysfsFollower), and
// as the firmware of mpt3sas' HBAs tells of it (ControlLinks). Returns when every host of now is
// known from sysfs; none is normal. Where there are no uevents (a sandbox without netlink) that is
// logged, and Rescan() and the looks at links remain. WaitIdle() tells at once what has been
// received. Borrows clock and sink. Errors: as sysfs::ReadTree().
absl::StatusOr<std::unique_ptr<Backend>> StartLinuxBackend(const LinuxBackendOptions& options,
                                                           Clock& clock, ObservationSink& sink);

// The same with these seams.
absl::StatusOr<std::unique_ptr<Backend>> StartLinuxBackend(const LinuxBackendOptions& options,
                                                           LinuxSeams seams, Clock& clock,
                                                           ObservationSink& sink);

}  // namespace sasd

#endif  // DAEMON_BACKEND_H_
