#ifndef RPC_DESCRIPTOR_NUMBERS_H_
#define RPC_DESCRIPTOR_NUMBERS_H_

#include <cstddef>
#include <deque>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "driver/base/clock.h"
#include "driver/base/unique_fd.h"

namespace sasd::rpc {

// Gives descriptors numbers that were not in use for a while, so that a call that begins when its
// connection has just ended cannot take another connection's number for its own. The kernel itself
// would give the lowest free number at once. Thread-compatible.
class DescriptorNumbers {
 public:
  // Numbers from `first` up to `end`, without it, in turn. A number rests for `rest` after
  // Retire(). Borrows `clock`.
  DescriptorNumbers(Clock& clock, int first, int end, absl::Duration rest);

  // The upper half of what this process may have open (RLIMIT_NOFILE): the lower half stays for
  // everything else that the process opens.
  static std::pair<int, int> UpperHalf();

  // A duplicate of `fd` (close-on-exec) with such a number. kResourceExhausted: every number is in
  // use or rests, or the process has no more descriptors.
  absl::StatusOr<UniqueFd> Duplicate(int fd);

  // Its holder has closed `number`.
  void Retire(int number);

 private:
  void WakeUp();

  // Constant.
  Clock& clock_;
  const int first_, end_;
  const absl::Duration rest_;

  int next_;
  std::deque<std::pair<absl::Duration, int>> by_time_;  // when it has rested enough
  absl::flat_hash_set<int> resting_;
};

}  // namespace sasd::rpc

#endif  // RPC_DESCRIPTOR_NUMBERS_H_
