#ifndef CLI_CAPTURE_SYSFS_COPY_H_
#define CLI_CAPTURE_SYSFS_COPY_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace sasd::cli {

// A file, symlink or folder of the tree.
struct CopiedEntry {
  enum class Kind : uint8_t { kFile, kLink, kFolder };
  std::string path;     // below the root: "class/sas_host/host11"
  std::string content;  // of a symlink its text, of a folder nothing
  Kind kind = Kind::kFile;
};

struct SysfsCopy {
  std::vector<CopiedEntry> entries;  // in the order of the walk: a folder first
  std::vector<std::string> unread;   // one line per reason and file name: what could not be read
};

// Copies what `sasd --sysfs-root` reads of the tree at `root` ("/sys", or a folder that has sys/):
// the hosts of class/sas_host and class/scsi_host with their SAS objects, SCSI devices, disks,
// enclosures and holders. It opens only files that the kernel answers from memory, without a
// command to a device or the firmware (driver/sysfs/attribute.h gives the reasons), follows no
// symlink, and writes nothing. A file that is absent is no loss. Error: kNotFound if `root` is no
// sysfs tree.
absl::StatusOr<SysfsCopy> CopySysfs(const std::string& root);

// The names of the files that it may open.
std::set<std::string> CopiedFileNames();

}  // namespace sasd::cli

#endif  // CLI_CAPTURE_SYSFS_COPY_H_
