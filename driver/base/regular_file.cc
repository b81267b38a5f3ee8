#include "driver/base/regular_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "driver/base/unique_fd.h"

namespace sasd {
namespace {

const char* KindOf(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device";
  return "a special file";
}

absl::Status TooLarge(const std::string& path, size_t max_bytes) {
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": larger than ", max_bytes, " bytes, the most that sasd reads of it"));
}

}  // namespace

absl::StatusOr<std::string> ReadRegularFile(const std::string& path, size_t max_bytes) {
  // O_NONBLOCK: the open itself waits for nobody. A regular file ignores it.
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  // A socket cannot be opened: ENXIO.
  if (fd.get() < 0) return absl::ErrnoToStatus(errno, path);
  struct stat info;
  if (fstat(fd.get(), &info) != 0) return absl::ErrnoToStatus(errno, path);
  if (!S_ISREG(info.st_mode)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": ", KindOf(info.st_mode), ", not a regular file"));
  }
  if (static_cast<uintmax_t>(info.st_size) > max_bytes) return TooLarge(path, max_bytes);
  // The size is a hint only: the file may grow meanwhile, and files of /proc have none.
  std::string text;
  while (true) {
    const size_t before = text.size();
    // One byte more than allowed shows that there is more.
    const size_t step =
        std::min(max_bytes + 1 - before,
                 std::max<size_t>(static_cast<size_t>(info.st_size) + 1, size_t{1} << 16));
    text.resize(before + step);
    const ssize_t got = read(fd.get(), &text[before], step);
    if (got < 0 && errno == EINTR) {
      text.resize(before);
      continue;
    }
    if (got < 0) return absl::ErrnoToStatus(errno, path);
    text.resize(before + static_cast<size_t>(got));
    if (got == 0) return text;
    if (text.size() > max_bytes) return TooLarge(path, max_bytes);
  }
}

}  // namespace sasd
