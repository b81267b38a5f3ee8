#ifndef DRIVER_SYSFS_CONTROLLED_HOSTS_H_
#define DRIVER_SYSFS_CONTROLLED_HOSTS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "driver/observation/host_key.h"
#include "driver/observation/key_assignments.h"
#include "driver/sysfs/file_io.h"
#include "driver/transport/mpt3ctl/ctl_host.h"

namespace sasd::sysfs {

// An HBA that mpt3sas drives, with facts that its control node does not report.
struct ControlledHost {
  mpt3ctl::CtlHost ctl;
  HostKey key;            // as the host's reading has it (ReadTree()); none without an address
  std::string scsi_host;  // the folder of its scsi_host, below the root
};

// The control node of a host, by its proc_name: /dev/mpt3ctl for mpt3sas, /dev/mpt2ctl for mpt2sas.
// Empty for other hosts, such as mpi3mr's. The driver of both is mpt3sas. It names its hosts after
// their generation, and counts unique_id separately for each generation (mpt3sas_scsih.c,
// _scsih_probe).
std::string ControlNodeOf(absl::string_view proc_name);

// The hosts that have a control node, in the order of the host numbers. Leaves out hosts without a
// unique_id. `keys` gives the hosts' keys; without it each has the plain key. Errors as ReadTree().
absl::StatusOr<std::vector<ControlledHost>> FindControlledHosts(const std::string& root, FileIo& io,
                                                                KeyAssignments* keys = nullptr);

// A function that reads the host's ioc_reset_count; nullopt if that fails. The kernel answers from
// memory. Borrows `io` for the function's lifetime. One caller at a time.
std::function<std::optional<uint32_t>()> ResetCountOf(const ControlledHost& host,
                                                      const std::string& root, FileIo& io);

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_CONTROLLED_HOSTS_H_
