#ifndef DRIVER_SYSFS_SCSI_HOST_READER_H_
#define DRIVER_SYSFS_SCSI_HOST_READER_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "driver/observation/scsi_host.h"
#include "driver/sysfs/file_io.h"

namespace sasd::sysfs {

// Reads what the tree at `root` (see ReadTree()) shows of SCSI hosts beside the SAS objects.
// Devices are those directly beneath their host; those of other transports (rport, session) are not
// looked for. Reads are passive, as those of ReadTree(). Errors: as ReadTree().
absl::StatusOr<ScsiHosts> ReadScsiHosts(const std::string& root, FileIo& io);

// The same for the host `name` ("host10") alone. nullopt if ReadScsiHosts() would not list it.
absl::StatusOr<std::optional<ScsiHost>> ReadScsiHost(const std::string& root,
                                                     absl::string_view name, FileIo& io);

// The hosts that cannot be read.
absl::StatusOr<std::vector<UnreadableHost>> ReadUnreadableHosts(const std::string& root,
                                                                FileIo& io);

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_SCSI_HOST_READER_H_
