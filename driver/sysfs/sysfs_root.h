#ifndef DRIVER_SYSFS_SYSFS_ROOT_H_
#define DRIVER_SYSFS_SYSFS_ROOT_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "driver/sysfs/file_io.h"
#include "driver/sysfs/tree_io.h"

namespace sasd::sysfs {

// Opens the folder that is the counterpart of /sys: `root`, or `root`/sys. Errors as ReadTree().
absl::StatusOr<Directory> OpenSysfs(const std::string& root, FileIo& io);

// Where a link in the folder `from` (a path below the root) leads, as a path below the root without
// "." and "..": pure text. nullopt if it leaves the root or is absolute.
std::optional<std::string> ResolveLink(absl::string_view from, absl::string_view target);

// A host as class/sas_host tells it.
struct HostPlace {
  std::string name;         // "host11"
  std::string path;         // of its folder, below the root
  std::string pci_address;  // of the PCI function above it; may be empty
};

// In natural order of the names. Entries that lead nowhere are left out.
std::vector<HostPlace> FindHosts(TreeIo& io, const Directory& root);

// The one entry `name`; nullopt if there is none, or it leads nowhere.
std::optional<HostPlace> FindHost(TreeIo& io, const Directory& root, absl::string_view name);

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_SYSFS_ROOT_H_
