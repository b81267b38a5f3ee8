#ifndef RPC_UNDECODABLE_H_
#define RPC_UNDECODABLE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "grpcpp/support/server_interceptor.h"
#include "grpcpp/support/status.h"

namespace sasd::rpc {

// INVALID_ARGUMENT for a request that is none of `method` ("sas.v1.NodeService/GetNode").
grpc::Status Undecodable(absl::string_view method);

// What gRPC 1.51 answers to a request that it cannot decode, without a word: UNIMPLEMENTED of an
// asynchronous service, as if the method were not there; INTERNAL of a synchronous one. No service
// of ours gives such a status without a text.
bool IsUndecodable(const grpc::Status& status);

// These interceptors make Undecodable() of it for the methods given, and shorten statuses that a
// client would not take (Shortened()). For ServerBuilder::experimental().SetInterceptorCreators().
std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>>
UndecodableInterceptors(absl::flat_hash_set<std::string> methods);

}  // namespace sasd::rpc

#endif  // RPC_UNDECODABLE_H_
