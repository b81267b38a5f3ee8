#ifndef RPC_ABANDONED_CALLS_H_
#define RPC_ABANDONED_CALLS_H_

#include <memory>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "driver/base/clock.h"
#include "grpcpp/support/server_interceptor.h"
#include "rpc/call_guard.h"

namespace sasd::rpc {

// Notes each call that its client cancels soon (CallGuard::NoteAbandoned), of any method of gRPC's
// callback API. It leaves out the streams among `own` ("sas.v1.WatchService/Watch"): it would cost
// each of their writes something, and they note it themselves. Borrows both, for the server's
// lifetime. For ServerBuilder::experimental().SetInterceptorCreators().
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> AbandonInterceptor(
    CallGuard& guard, Clock& clock, absl::flat_hash_set<std::string> own);

}  // namespace sasd::rpc

#endif  // RPC_ABANDONED_CALLS_H_
