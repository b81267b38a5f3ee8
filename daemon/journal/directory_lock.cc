#include "daemon/journal/directory_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace sasd::journal {

absl::StatusOr<DirectoryLock> DirectoryLock::Acquire(const std::string& directory) {
  if (mkdir(directory.c_str(), 0750) != 0 && errno != EEXIST)
    return absl::ErrnoToStatus(errno, absl::StrCat(directory, ": cannot make the directory"));
  const std::string path = directory + "/lock";
  UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640));
  if (!fd.valid()) return absl::ErrnoToStatus(errno, absl::StrCat(path, ": cannot open"));
  if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK)
      return absl::ErrnoToStatus(errno, absl::StrCat(path, ": cannot lock"));
    char pid[32];
    ssize_t size = pread(fd.get(), pid, sizeof pid, 0);
    absl::string_view text =
        absl::StripAsciiWhitespace({pid, static_cast<size_t>(size > 0 ? size : 0)});
    return absl::AlreadyExistsError(
        absl::StrCat(directory, " is in use by another sasd",
                     text.empty() ? "" : absl::StrCat(" (process ", text, ")"),
                     ": stop it, or give this one another --state-dir"));
  }
  // For the message above only.
  const std::string pid = absl::StrCat(getpid(), "\n");
  if (ftruncate(fd.get(), 0) != 0 ||
      pwrite(fd.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    // A full disk keeps the lock as it is.
  }
  return DirectoryLock(std::move(fd));
}

}  // namespace sasd::journal
