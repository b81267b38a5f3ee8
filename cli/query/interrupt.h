#ifndef CLI_QUERY_INTERRUPT_H_
#define CLI_QUERY_INTERRUPT_H_

#include <functional>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace sasd::cli {

// "The user wants an end" (Ctrl-C), as an object. Thread-safe.
class Interrupt {
 public:
  // From now on Fire() calls `cancel`, from its own thread and under no lock of the caller's; at
  // once if it has fired already. An empty function takes the former one away; after that it is not
  // called any more.
  void Watch(std::function<void()> cancel) ABSL_LOCKS_EXCLUDED(mu_);

  // False if nobody watches: then the process should simply end.
  bool Fire() ABSL_LOCKS_EXCLUDED(mu_);

  bool fired() const ABSL_LOCKS_EXCLUDED(mu_);

  // Sleeps, or less if it fires.
  void Sleep(absl::Duration duration) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  mutable absl::Mutex mu_;
  bool fired_ ABSL_GUARDED_BY(mu_) = false;
  // Called under mu_, so that Watch({}) waits for a call that is under way. It may not use this
  // object.
  std::function<void()> cancel_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sasd::cli

#endif  // CLI_QUERY_INTERRUPT_H_
