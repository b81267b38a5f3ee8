#ifndef DRIVER_SYSFS_SYSFS_READER_H_
#define DRIVER_SYSFS_SYSFS_READER_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "driver/observation/key_assignments.h"
#include "driver/sysfs/file_io.h"
#include "driver/sysfs/host_reading.h"

namespace sasd::sysfs {

// Reads the SAS objects of the tree at `root`: the counterpart of /sys (the folder that holds
// class/ and devices/) or a folder that holds it as sys/. Gives one reading per entry of
// class/sas_host, in the order of the host numbers. Without that class there are none, which is
// normal: no SAS driver is loaded.
//
// Reads are passive: it opens only attributes that the kernel answers from memory (attribute.h),
// each once. It resolves symlinks inside the tree and never follows them out of it. An attribute
// that fails, is absent or makes no sense leaves its field empty and hides nothing else. Objects
// that vanish meanwhile are left out. So is a host of mpt3sas or of libsas that has neither address
// nor phys nor devices: its driver is starting. So is a phy without attributes: the kernel makes
// them next. Up to four threads read hosts in parallel; they end before it returns.
//
// Identity. The address in the key of a host is the first known of: host_sas_address; the address
// of its phys, unless an attached device has it too (mptsas); a locally assigned address (NAA 3)
// made from the PCI address. `keys` decides which of several hosts with one address has the plain
// key; without it that is the one at the lowest location. The key of an expander or end device is
// the first known of: its sas_address; that of its SCSI device; an NAA 3 address made from its
// sysfs name. `keys` numbers the objects of one host with one address (NodeKey.port); the only one
// has 0.
//
// Errors: kNotFound (no such folder), kInvalidArgument (it is not a sysfs tree), kPermissionDenied,
// kResourceExhausted (no descriptors or memory left, so that the reading is incomplete).
absl::StatusOr<std::vector<HostReading>> ReadTree(const std::string& root, FileIo& io,
                                                  KeyAssignments* keys = nullptr);

// Reads one host of that tree alone: the entry `name` ("host11") of class/sas_host. nullopt if
// there is no such host, or if it is left out. Otherwise as ReadTree(), errors too.
absl::StatusOr<std::optional<HostReading>> ReadHost(const std::string& root, absl::string_view name,
                                                    FileIo& io, KeyAssignments& keys);

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_SYSFS_READER_H_
