#ifndef DRIVER_LINUX_CONTROLLED_HOSTS_H_
#define DRIVER_LINUX_CONTROLLED_HOSTS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "driver/linux/file_io.h"
#include "driver/transport/mpt3ctl/ctl_host.h"

namespace sasd::sysfs {

// An HBA that mpt3sas has, with what its control node does not tell.
struct ControlledHost {
  mpt3ctl::CtlHost ctl;
  std::string scsi_host;  // the folder of its scsi_host, below the root
};

// The hosts whose proc_name is mpt3sas (at /dev/mpt3ctl) or mpt2sas (at /dev/mpt2ctl): the driver
// of both is mpt3sas, which names them after their generation and counts unique_id separately for
// each (mpt3sas_scsih.c, _scsih_probe). In the order of the host numbers; one without a unique_id
// is left out. HBAs of mpi3mr have no such node. Errors as ReadTree().
absl::StatusOr<std::vector<ControlledHost>> FindControlledHosts(const std::string& root,
                                                                FileIo& io);

// Reads the host's ioc_reset_count each time; nullopt if that fails. The kernel answers from
// memory. Borrows `io` for the function's lifetime; one caller at a time.
std::function<std::optional<uint32_t>()> ResetCountOf(const ControlledHost& host,
                                                      const std::string& root, FileIo& io);

}  // namespace sasd::sysfs

#endif  // DRIVER_LINUX_CONTROLLED_HOSTS_H_
