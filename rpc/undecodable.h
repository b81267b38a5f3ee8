#ifndef RPC_UNDECODABLE_H_
#define RPC_UNDECODABLE_H_

#include <memory>
#include <vector>

#include "grpcpp/support/server_interceptor.h"

namespace sasd::rpc {

// gRPC 1.51 answers a request that it cannot decode with UNIMPLEMENTED and without a word, as if
// the method were not there. These interceptors make INVALID_ARGUMENT of it, with a text. For
// ServerBuilder::experimental().SetInterceptorCreators().
std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>>
UndecodableInterceptors();

}  // namespace sasd::rpc

#endif  // RPC_UNDECODABLE_H_
