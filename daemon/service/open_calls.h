#ifndef DAEMON_SERVICE_OPEN_CALLS_H_
#define DAEMON_SERVICE_OPEN_CALLS_H_

#include <atomic>
#include <cstddef>

#include "absl/strings/string_view.h"
#include "daemon/service/call_holds.h"
#include "daemon/service/calls.h"
#include "daemon/service/worker_pool.h"
#include "rpc/call_guard.h"
#include "rpc/limits.h"

namespace sasd::service {

// Counts the calls that were cancelled before they began.
class CountingGuard final : public rpc::CallGuard {
 public:
  grpc::Status Admit(const grpc::ServerContextBase& context, absl::string_view method,
                     rpc::Caller* caller) override {
    return open_.Admit(context, method, caller);
  }
  void NoteAbandoned(const grpc::ServerContextBase&) override { ++abandoned_; }
  int abandoned() const { return abandoned_.load(); }

 private:
  rpc::OpenGuard open_;
  std::atomic<int> abandoned_{0};
};

// Calls for tests of one service: everybody is let in.
struct OpenCalls {
  explicit OpenCalls(size_t waiting_calls = 1'000) : pool(2, waiting_calls, waiting_calls) {}

  CountingGuard guard;
  rpc::LimitBook limits;
  CallHolds holds;
  WorkerPool pool;
  Calls calls{guard, limits, pool, holds};
};

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_OPEN_CALLS_H_
