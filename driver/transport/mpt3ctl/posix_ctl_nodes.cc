#include "driver/transport/mpt3ctl/posix_ctl_nodes.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

namespace sasd::mpt3ctl {
namespace {

int PollTimeout(absl::Duration timeout) {
  const int64_t milliseconds =
      absl::ToInt64Milliseconds(absl::Ceil(timeout, absl::Milliseconds(1)));
  return static_cast<int>(std::clamp<int64_t>(milliseconds, 0, 60'000));
}

}  // namespace

PosixCtlNodes::PosixCtlNodes() : interrupt_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

PosixCtlNodes::~PosixCtlNodes() {
  if (interrupt_ >= 0) close(interrupt_);
}

int PosixCtlNodes::Open(const char* path) {
  // Non-blocking: a busy HBA answers EAGAIN, as far as the driver honours it.
  const int descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  return descriptor < 0 ? -errno : descriptor;
}

int PosixCtlNodes::Ioctl(int descriptor, uint32_t number, MutableByteSpan argument) {
  return ioctl(descriptor, number, argument.data()) < 0 ? -errno : 0;
}

int PosixCtlNodes::Poll(absl::Span<const int> descriptors, absl::Duration timeout) {
  std::vector<pollfd> polled;
  for (const int descriptor : descriptors) polled.push_back({descriptor, POLLIN, 0});
  polled.push_back({interrupt_, POLLIN, 0});
  if (poll(polled.data(), polled.size(), PollTimeout(timeout)) < 0)
    return errno == EINTR ? 0 : -errno;
  if (polled.back().revents != 0) {
    uint64_t count;
    [[maybe_unused]] const ssize_t taken = read(interrupt_, &count, sizeof(count));
    return 0;
  }
  polled.pop_back();
  for (const pollfd& one : polled) {
    if ((one.revents & POLLIN) != 0) return 1;
    if (one.revents != 0) return -EBADF;
  }
  return 0;
}

void PosixCtlNodes::Interrupt() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(interrupt_, &one, sizeof(one));
}

void PosixCtlNodes::Close(int descriptor) { close(descriptor); }

}  // namespace sasd::mpt3ctl
