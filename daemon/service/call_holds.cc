#include "daemon/service/call_holds.h"

#include <time.h>

namespace sasd::service {

absl::Duration StopWatch::ThreadCpuTime() {
  timespec time = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return absl::DurationFromTimespec(time);
}

void CallHolds::Note(absl::string_view method, const HeldTime& held) {
  if (held.wall < kLeast) return;
  absl::MutexLock lock(&mu_);
  longest_[method].Raise(held);
}

}  // namespace sasd::service
