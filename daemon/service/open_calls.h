#ifndef DAEMON_SERVICE_OPEN_CALLS_H_
#define DAEMON_SERVICE_OPEN_CALLS_H_

#include <cstddef>

#include "daemon/service/call_holds.h"
#include "daemon/service/calls.h"
#include "daemon/service/worker_pool.h"
#include "rpc/call_guard.h"
#include "rpc/limits.h"

namespace sasd::service {

// Calls for tests of one service: everybody is let in.
struct OpenCalls {
  explicit OpenCalls(size_t waiting_calls = 1'000) : pool(2, waiting_calls, waiting_calls) {}

  rpc::OpenGuard guard;
  rpc::LimitBook limits;
  CallHolds holds;
  WorkerPool pool;
  Calls calls{guard, limits, pool, holds};
};

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_OPEN_CALLS_H_
