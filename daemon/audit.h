#ifndef DAEMON_AUDIT_H_
#define DAEMON_AUDIT_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "driver/base/clock.h"
#include "rpc/call_guard.h"
#include "rpc/peer.h"

namespace sasd {

// Who asked for what: one line for each call that was refused, or that needs more than the role
// viewer. At most 10 lines a second; what is left out is counted in the next line. Thread-safe.
class AuditLog {
 public:
  enum class Level : uint8_t { kInfo, kWarning };
  // Must not wait.
  using Sink = std::function<void(Level level, const std::string& line)>;

  // Borrows `clock`.
  AuditLog(Clock& clock, Sink sink) : clock_(clock), sink_(std::move(sink)) {}

  void Record(const rpc::Caller& caller, absl::string_view method, rpc::Role needed, bool allowed)
      ABSL_LOCKS_EXCLUDED(mu_);

 private:
  Clock& clock_;
  const Sink sink_;

  absl::Mutex mu_;  // a leaf
  absl::Duration second_ ABSL_GUARDED_BY(mu_) = -absl::InfiniteDuration();
  int lines_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t left_out_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace sasd

#endif  // DAEMON_AUDIT_H_
