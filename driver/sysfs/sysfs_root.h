#ifndef DRIVER_SYSFS_SYSFS_ROOT_H_
#define DRIVER_SYSFS_SYSFS_ROOT_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "driver/observation/host_key.h"
#include "driver/sysfs/file_io.h"
#include "driver/sysfs/tree_io.h"

namespace sasd::sysfs {

// Opens the folder that is the counterpart of /sys: `root`, or `root`/sys. Errors as ReadTree().
absl::StatusOr<Directory> OpenSysfs(const std::string& root, FileIo& io);

// The target of a link in the folder `from`, as a path below the root without "." and "..". `from`
// is a path below the root. Works on the text alone. nullopt if the link leaves the root or is
// absolute.
std::optional<std::string> ResolveLink(absl::string_view from, absl::string_view target);

// A host in class/sas_host.
struct HostPlace {
  std::string name;         // "host11"
  std::string path;         // of its folder, below the root
  std::string pci_address;  // of the PCI function above it; may be empty
  // That function, or the folder above the host's, and which of its hosts this is, in the order of
  // the host numbers. A driver makes the hosts of one function in one order (isci), so the index
  // stays the same though the host numbers change. FindHost() gives index 0.
  HostLocation location;
};

// All hosts, in natural order of the names. Leaves out dangling entries.
std::vector<HostPlace> FindHosts(TreeIo& io, const Directory& root);

// The host `name`; nullopt if there is no such entry, or if it dangles.
std::optional<HostPlace> FindHost(TreeIo& io, const Directory& root, absl::string_view name);

// All SCSI hosts (class/scsi_host), as FindHosts().
std::vector<HostPlace> FindScsiHosts(TreeIo& io, const Directory& root);

// The SCSI host `name`, as FindHost().
std::optional<HostPlace> FindScsiHost(TreeIo& io, const Directory& root, absl::string_view name);

// A host that class/sas_host names and whose folder cannot be opened.
struct HostProblem {
  std::string name;    // "host3"
  std::string path;    // of the entry, below the root
  std::string reason;  // one clause, with the value
};

// All of them, in natural order of the names. A host that has left the class meanwhile is none.
std::vector<HostProblem> FindHostProblems(TreeIo& io, const Directory& root);

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_SYSFS_ROOT_H_
