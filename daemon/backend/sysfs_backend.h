#ifndef DAEMON_BACKEND_SYSFS_BACKEND_H_
#define DAEMON_BACKEND_SYSFS_BACKEND_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "daemon/backend/backend.h"
#include "driver/base/clock.h"
#include "driver/observation/key_assignments.h"
#include "driver/observation/observation.h"

namespace sasd {

// Starts a backend that serves a Linux sysfs tree: a folder, or a .tar.gz that is unpacked for the
// backend's lifetime. It reads the tree now and at each Rescan(). Borrows `clock`, `sink` and
// `keys` for the backend's lifetime. Errors: as UnpackedTree::Open() and sysfs::ReadTree().
absl::StatusOr<std::unique_ptr<Backend>> StartSysfsBackend(const std::string& root, Clock& clock,
                                                           ObservationSink& sink,
                                                           KeyAssignments* keys = nullptr);

}  // namespace sasd

#endif  // DAEMON_BACKEND_SYSFS_BACKEND_H_
