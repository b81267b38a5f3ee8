#ifndef DAEMON_BACKEND_CLOSABLE_SINK_H_
#define DAEMON_BACKEND_CLOSABLE_SINK_H_

#include <cstddef>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "driver/observation/observation.h"

namespace sasd {

// Passes all calls to another sink until it is closed, and drops them from then on.
//
// A source that ends reports that it no longer sees its hosts. That is true of a source, and not of
// hosts: where sasd itself ends, nothing has changed, and the next start has to compare with what
// was there before. So the sink of all sources is closed before any of them ends. Thread-safe.
class ClosableSink : public ObservationSink {
 public:
  // Borrows `next` until it is closed and idle.
  explicit ClosableSink(ObservationSink& next) : next_(next) {}

  void Observe(ObservationBatch batch) override ABSL_LOCKS_EXCLUDED(mu_);
  void Flush() override ABSL_LOCKS_EXCLUDED(mu_);
  void SetPending(bool pending) override ABSL_LOCKS_EXCLUDED(mu_);

  // From now on no call passes. Does not wait for those under way. May be called again.
  void Close() ABSL_LOCKS_EXCLUDED(mu_);
  // After Close(): returns once no call is in the other sink.
  void AwaitIdle() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // Makes one call, without the lock, unless it is closed.
  template <typename Call>
  void Pass(Call call) ABSL_LOCKS_EXCLUDED(mu_);

  ObservationSink& next_;
  absl::Mutex mu_;  // a leaf
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  size_t calls_ ABSL_GUARDED_BY(mu_) = 0;  // under way
};

}  // namespace sasd

#endif  // DAEMON_BACKEND_CLOSABLE_SINK_H_
