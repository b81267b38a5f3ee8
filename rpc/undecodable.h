#ifndef RPC_UNDECODABLE_H_
#define RPC_UNDECODABLE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "grpcpp/support/server_interceptor.h"

namespace sasd::rpc {

// gRPC 1.51 answers a request that it cannot decode with UNIMPLEMENTED and without a word, as if
// the method were not there. These interceptors make INVALID_ARGUMENT of it, with a text, for the
// methods given ("sas.v1.NodeService/GetNode"). For
// ServerBuilder::experimental().SetInterceptorCreators().
std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>>
UndecodableInterceptors(absl::flat_hash_set<std::string> methods);

}  // namespace sasd::rpc

#endif  // RPC_UNDECODABLE_H_
