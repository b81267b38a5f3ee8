#include "daemon/process/standard_streams.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace sasd::process {
namespace {

bool opened = false;

// Before the initializers of the shared libraries, some of which open descriptors. The sanitizers
// are not ready yet, hence bare system calls.
__attribute__((no_sanitize("address", "thread", "undefined"))) void Open(int, char**, char**) {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (syscall(SYS_fcntl, fd, F_GETFD) >= 0) continue;
    // The least closed descriptor is taken, and that is `fd`. Children inherit it, as usual.
    if (syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR) != fd) return;
  }
  opened = true;
}

__attribute__((section(".preinit_array"), used)) void (*const at_preinit)(int, char**,
                                                                          char**) = Open;

}  // namespace

bool StandardStreamsAreOpen() { return opened; }

}  // namespace sasd::process
