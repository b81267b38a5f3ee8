#ifndef RPC_CALL_TIMES_H_
#define RPC_CALL_TIMES_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "driver/base/clock.h"
#include "grpcpp/support/server_interceptor.h"

namespace sasd::rpc {

// Called once for each call, before its status is sent, in the thread that ends it. `method` is
// "sas.v1.NodeService/GetNode"; `duration`: since the call arrived, with the time that it waited.
using CallTimer = std::function<void(absl::string_view method, absl::Duration duration)>;

// Reports how long each unary call of `methods` took. A stream lasts as long as its client likes,
// so it is not measured, and costs nothing here. Borrows `clock`, for the server's lifetime. For
// ServerBuilder::experimental().SetInterceptorCreators().
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> TimeInterceptor(
    Clock& clock, absl::flat_hash_set<std::string> methods, CallTimer timer);

}  // namespace sasd::rpc

#endif  // RPC_CALL_TIMES_H_
