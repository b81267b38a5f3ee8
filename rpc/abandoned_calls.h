#ifndef RPC_ABANDONED_CALLS_H_
#define RPC_ABANDONED_CALLS_H_

#include <memory>

#include "driver/base/clock.h"
#include "grpcpp/support/server_interceptor.h"
#include "rpc/access.h"

namespace sasd::rpc {

// Notes each call, of any method of gRPC's callback API, that its client cancels within a second of
// its beginning: see Access::NoteAbandoned. Borrows both, for the server's lifetime. For
// ServerBuilder::experimental().SetInterceptorCreators().
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> AbandonInterceptor(
    Access& access, Clock& clock);

}  // namespace sasd::rpc

#endif  // RPC_ABANDONED_CALLS_H_
