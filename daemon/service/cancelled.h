#ifndef DAEMON_SERVICE_CANCELLED_H_
#define DAEMON_SERVICE_CANCELLED_H_

#include <cstddef>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "grpcpp/support/status.h"

namespace sasd::service {

// Whether nobody wants the result of some work any more. Cheap: called every hundred objects or so,
// and without a lock, since it may let other work go on first. Work that it ends returns soon; what
// it returns then means nothing, unless it says so.
using Cancelled = absl::FunctionRef<bool()>;

inline bool NeverCancelled() { return false; }

// The status of work that was cancelled, below the calls.
inline absl::Status WorkCancelled() { return absl::CancelledError("the caller has gone"); }

// The status of a call whose work was cancelled.
inline grpc::Status CancelledStatus() {
  return {grpc::StatusCode::CANCELLED, "the caller has gone"};
}

// Asks every `kObjects` calls. For one loop.
class CancelledCheck {
 public:
  static constexpr size_t kObjects = 128;

  explicit CancelledCheck(Cancelled cancelled) : cancelled_(cancelled) {}

  // To be called for each object.
  bool operator()() { return ++objects_ % kObjects == 0 && cancelled_(); }

 private:
  const Cancelled cancelled_;
  size_t objects_ = 0;
};

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_CANCELLED_H_
