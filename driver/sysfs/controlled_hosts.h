#ifndef DRIVER_SYSFS_CONTROLLED_HOSTS_H_
#define DRIVER_SYSFS_CONTROLLED_HOSTS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "driver/sysfs/file_io.h"
#include "driver/transport/mpt3ctl/ctl_host.h"

namespace sasd::sysfs {

// An HBA that mpt3sas has, with what its control node does not tell.
struct ControlledHost {
  mpt3ctl::CtlHost ctl;
  std::string scsi_host;  // the folder of its scsi_host, below the root
};

// The control node of a host by its proc_name: mpt3sas is at /dev/mpt3ctl, mpt2sas at /dev/mpt2ctl;
// empty for others, those of mpi3mr among them. The driver of both is mpt3sas, which names its
// hosts after their generation and counts unique_id separately for each (mpt3sas_scsih.c,
// _scsih_probe).
std::string ControlNodeOf(absl::string_view proc_name);

// The hosts that have a control node, in the order of the host numbers; one without a unique_id is
// left out. Errors as ReadTree().
absl::StatusOr<std::vector<ControlledHost>> FindControlledHosts(const std::string& root,
                                                                FileIo& io);

// Reads the host's ioc_reset_count each time; nullopt if that fails. The kernel answers from
// memory. Borrows `io` for the function's lifetime; one caller at a time.
std::function<std::optional<uint32_t>()> ResetCountOf(const ControlledHost& host,
                                                      const std::string& root, FileIo& io);

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_CONTROLLED_HOSTS_H_
