#ifndef CLI_QUERY_INTERRUPT_H_
#define CLI_QUERY_INTERRUPT_H_

#include <functional>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace sasd::cli {

// A request of the user to stop (Ctrl-C). Thread-safe.
class Interrupt {
 public:
  // Sets the function that Fire() calls, in the thread of Fire(). Calls it at once if Fire() was
  // called before. An empty function removes the former one, which is not called after this
  // returns.
  void Watch(std::function<void()> cancel) ABSL_LOCKS_EXCLUDED(mu_);

  // Returns false if no function is set; the process should then exit.
  bool Fire() ABSL_LOCKS_EXCLUDED(mu_);

  bool fired() const ABSL_LOCKS_EXCLUDED(mu_);

  // Sleeps for `duration`, or until Fire() is called.
  void Sleep(absl::Duration duration) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  mutable absl::Mutex mu_;
  bool fired_ ABSL_GUARDED_BY(mu_) = false;
  // Called under mu_, so that Watch({}) waits for a running call. It must not use this object.
  std::function<void()> cancel_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sasd::cli

#endif  // CLI_QUERY_INTERRUPT_H_
