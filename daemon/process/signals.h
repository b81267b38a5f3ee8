#ifndef DAEMON_PROCESS_SIGNALS_H_
#define DAEMON_PROCESS_SIGNALS_H_

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace sasd::process {

// Takes SIGTERM, SIGINT, SIGHUP and SIGUSR1 on a thread of its own, whatever the others do. A
// program that links this blocks them before any initializer of a library runs. Call Start() in the
// first line of main(), before any other thread; it also ignores SIGPIPE.
//
// SIGTERM and SIGINT end the process within kLongestEnd, at any moment. Next() returns them, and
// main() ends in order. If the process is still there after kLongestEnd (its start hangs in a file,
// its end hangs in an ioctl), the thread ends it with _exit(kEndedAtOnce). Nothing that anybody saw
// is lost then: an event is in the journal before it is visible, and the next start declares what
// the journal lacks, as after kill -9. Only a system call that the kernel does not interrupt
// delays the end of the process: an ioctl to an HBA takes up to a minute.
//
// Lives until the process ends. Thread-safe.
class Signals {
 public:
  static constexpr absl::Duration kLongestEnd = absl::Milliseconds(1800);

  // The only one of the process; never destroyed.
  static Signals& Start();

  // Waits for the next signal, for `timeout` at most; 0: none came. SIGTERM and SIGINT come before
  // others. A SIGHUP or SIGUSR1 that comes again before it is taken comes once.
  int Next(absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  Signals();
  [[noreturn]] void Run() ABSL_LOCKS_EXCLUDED(mu_);

  absl::Mutex mu_;  // a leaf
  int end_ ABSL_GUARDED_BY(mu_) = 0;
  bool hangup_ ABSL_GUARDED_BY(mu_) = false;
  bool user_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace sasd::process

#endif  // DAEMON_PROCESS_SIGNALS_H_
