#ifndef DAEMON_JOURNAL_DIRECTORY_LOCK_H_
#define DAEMON_JOURNAL_DIRECTORY_LOCK_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "driver/base/unique_fd.h"

namespace sasd::journal {

// Holds a state directory: one process at a time. The kernel gives it up when the process ends in
// any way. Thread-compatible.
class DirectoryLock {
 public:
  // Makes the directory (mode 0750; not its parents) and DIRECTORY/lock as needed. AlreadyExists:
  // another process holds it; PermissionDenied, Unavailable: as the system's error.
  static absl::StatusOr<DirectoryLock> Acquire(const std::string& directory);

 private:
  explicit DirectoryLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace sasd::journal

#endif  // DAEMON_JOURNAL_DIRECTORY_LOCK_H_
