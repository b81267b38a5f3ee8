#ifndef TESTS_BENCH_READY_SOCKET_H_
#define TESTS_BENCH_READY_SOCKET_H_

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "driver/base/unique_fd.h"

namespace sasd::bench {

// Where a sasd that is started later reports that it serves (sd_notify(3)). Thread-compatible.
class ReadySocket {
 public:
  // Makes the socket at `path`, and names it in $NOTIFY_SOCKET for what this process starts.
  // `timeout`: the longest wait for a message. Errors: kUnavailable with the path. Call it once.
  absl::Status Open(const std::string& path, absl::Duration timeout);

  // Waits until sasd serves. Errors: kDeadlineExceeded.
  absl::Status Await() const;

  // Drops what the last sasd sent at its end.
  void Drain() const;

 private:
  UniqueFd fd_;
};

}  // namespace sasd::bench

#endif  // TESTS_BENCH_READY_SOCKET_H_
