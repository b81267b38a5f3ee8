#ifndef DRIVER_PCI_MACHINE_FILES_H_
#define DRIVER_PCI_MACHINE_FILES_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace sasd::pci {

// The files of a machine by their absolute paths: /sys, /proc, /dev, /run. Tests have a tree of
// their own below a folder. What cannot be read counts as missing. Thread-safe.
class MachineFiles {
 public:
  // `root` is put in front of each path; "" is this machine.
  explicit MachineFiles(std::string root = "") : root_(std::move(root)) {}
  virtual ~MachineFiles() = default;

  // The file's text without white space at its end; empty if it cannot be read. Up to 1 MiB.
  std::string Read(const std::string& path) const;
  // The names in a folder, sorted, without "." and "..".
  std::vector<std::string> List(const std::string& path) const;
  // The text of a symbolic link; empty if it is none.
  std::string LinkOf(const std::string& path) const;
  bool Exists(const std::string& path) const;

  // Whether a block device is in use by somebody who claims it: a mount, md, dm, swap, in any
  // namespace (open with O_EXCL: EBUSY). Sends no command to the device beyond its open.
  virtual bool IsClaimed(const std::string& path) const;

  // Whether a process holds the lock of a file (flock).
  virtual bool IsLocked(const std::string& path) const;

  // Writes to an existing file in one call. kNotFound, kPermissionDenied or what the kernel
  // answered, with the path in the message.
  virtual absl::Status Write(const std::string& path, absl::string_view text);
  // Changes a node's owner and mode.
  virtual absl::Status GiveTo(const std::string& path, uid_t user, gid_t group, mode_t mode);

 protected:
  std::string At(const std::string& path) const { return root_ + path; }

 private:
  const std::string root_;
};

// The part of a path after its last "/".
std::string BaseName(const std::string& path);

}  // namespace sasd::pci

#endif  // DRIVER_PCI_MACHINE_FILES_H_
