#include "driver/sysfs/file_io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>

namespace sasd::sysfs {
namespace {

constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;

int OrErrno(long result) { return result < 0 ? -errno : static_cast<int>(result); }

int OpenBeneath(int at, const char* path) {
  open_how how = {};
  how.flags = kDirectoryFlags;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  return OrErrno(syscall(SYS_openat2, at, path, &how, sizeof(how)));
}

// OpenBeneath() without openat2, which an old kernel lacks and a seccomp filter may refuse.
int OpenByComponent(int at, const char* path) {
  int directory = at;
  for (;;) {
    const char* slash = strchrnul(path, '/');
    char name[NAME_MAX + 1];
    const size_t length = static_cast<size_t>(slash - path);
    int next = -ENAMETOOLONG;
    if (length <= NAME_MAX) {
      memcpy(name, path, length);
      name[length] = '\0';
      next = strcmp(name, "..") == 0 ? -EXDEV : OrErrno(openat(directory, name, kDirectoryFlags));
    }
    if (directory != at) close(directory);
    if (next < 0 || *slash == '\0') return next;
    directory = next;
    path = slash + 1;
  }
}

}  // namespace

int PosixFileIo::OpenRoot(const char* path) {
  return OrErrno(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

int PosixFileIo::OpenDirectory(int at, const char* path) {
  const int directory = OpenBeneath(at, path);
  const bool refused = directory == -ENOSYS || directory == -EPERM || directory == -EAGAIN;
  return refused ? OpenByComponent(at, path) : directory;
}

ssize_t PosixFileIo::ReadFile(int at, const char* name, char* buffer, size_t size) {
  // O_NONBLOCK: a fifo in a recorded tree must not hang the reader. sysfs ignores the flag.
  const int file = OrErrno(openat(at, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (file < 0) return file;
  ssize_t got;
  do {
    got = read(file, buffer, size);
  } while (got < 0 && errno == EINTR);
  if (got < 0) got = -errno;
  close(file);
  return got;
}

ssize_t PosixFileIo::ReadLink(int at, const char* name, char* buffer, size_t size) {
  const ssize_t got = readlinkat(at, name, buffer, size);
  return got < 0 ? -errno : got;
}

ssize_t PosixFileIo::ListDirectory(int directory, char* buffer, size_t size) {
  const ssize_t got = getdents64(directory, buffer, size);
  return got < 0 ? -errno : got;
}

void PosixFileIo::Close(int directory) { close(directory); }

}  // namespace sasd::sysfs
