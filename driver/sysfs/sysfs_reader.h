#ifndef DRIVER_SYSFS_SYSFS_READER_H_
#define DRIVER_SYSFS_SYSFS_READER_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "driver/sysfs/file_io.h"
#include "driver/sysfs/host_reading.h"

namespace sasd::sysfs {

// Reads the SAS objects of the tree at `root`: the counterpart of /sys (the folder that holds
// class/ and devices/) or a folder that holds it as sys/. One reading per entry of class/sas_host,
// in the order of the host numbers; none where that class is absent, which is normal (no SAS driver
// is loaded).
//
// Reads are passive: only attributes that the kernel answers from memory are opened (attribute.h),
// each once. Symlinks are resolved inside the tree and never followed out of it. An attribute that
// fails, is absent or makes no sense leaves its field empty and hides nothing; an object that
// vanishes meanwhile is left out. Hosts are read at the same time, on up to four threads that end
// before it returns.
//
// Identity. A host is keyed by the first of: host_sas_address; the address that its phys carry,
// unless a device attached to them has it too (mptsas); a locally assigned address (NAA 3) made
// from the PCI address. An expander or end device by its sas_address; where that is unknown by its
// SCSI device's; last by an NAA 3 address made from its sysfs name. Where one host shows the same
// address more than once, the second gets NodeKey.port 1, and so on; it is 0 otherwise. Of two
// hosts with one address the first counts.
//
// Errors: kNotFound (no such folder), kInvalidArgument (it is no sysfs tree), kPermissionDenied,
// kResourceExhausted (no descriptors or memory left: nothing is known about what was not read).
absl::StatusOr<std::vector<HostReading>> ReadTree(const std::string& root, FileIo& io);

// Reads one host of that tree alone: the entry `name` ("host11") of class/sas_host, which it may
// share its address with. nullopt if there is none, be it that it vanishes meanwhile. Otherwise as
// ReadTree(), errors too.
absl::StatusOr<std::optional<HostReading>> ReadHost(const std::string& root, absl::string_view name,
                                                    FileIo& io);

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_SYSFS_READER_H_
