#include "rpc/descriptor_numbers.h"

#include <fcntl.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace sasd::rpc {

DescriptorNumbers::DescriptorNumbers(Clock& clock, int first, int end, absl::Duration rest)
    : clock_(clock), first_(first), end_(end), rest_(rest), next_(first) {}

std::pair<int, int> DescriptorNumbers::UpperHalf() {
  // A larger table of descriptors would cost memory, and more numbers help nobody.
  constexpr rlim_t kMost = 1 << 17;
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  const int end = static_cast<int>(std::min(limit.rlim_cur, kMost));
  return {end / 2, end};
}

absl::StatusOr<UniqueFd> DescriptorNumbers::Duplicate(int fd) {
  WakeUp();
  // Two passes: from here to the end, and from the start to here.
  int from = next_;
  bool wrapped = false;
  while (true) {
    while (from < end_ && resting_.contains(from)) ++from;
    const int got = from < end_ ? fcntl(fd, F_DUPFD_CLOEXEC, from) : -1;
    if (got >= 0 && got < end_ && !resting_.contains(got)) {
      next_ = got + 1;
      return UniqueFd(got);
    }
    const int error = errno;
    if (got >= 0) {
      close(got);  // it rests, or is beyond the end: look behind it
      from = got + 1;
      if (from < end_) continue;
    } else if (from < end_ && error != EMFILE && error != EINVAL) {
      return absl::ResourceExhaustedError(absl::StrCat("a descriptor: ", strerror(error)));
    }
    if (wrapped) break;
    wrapped = true;
    from = first_;
  }
  return absl::ResourceExhaustedError("every descriptor is in use");
}

void DescriptorNumbers::Retire(int number) {
  if (!resting_.insert(number).second) return;
  by_time_.emplace_back(clock_.Monotonic() + rest_, number);
}

void DescriptorNumbers::WakeUp() {
  const absl::Duration now = clock_.Monotonic();
  while (!by_time_.empty() && by_time_.front().first <= now) {
    resting_.erase(by_time_.front().second);
    by_time_.pop_front();
  }
}

}  // namespace sasd::rpc
