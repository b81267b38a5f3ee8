#ifndef RPC_CALL_AUDIT_H_
#define RPC_CALL_AUDIT_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "grpcpp/support/server_interceptor.h"
#include "grpcpp/support/status.h"
#include "rpc/access.h"
#include "rpc/call_guard.h"

namespace sasd::rpc {

// A call that changed something, failed to, or was refused.
struct AuditedCall {
  Caller caller;        // as when the call began
  std::string method;   // "sas.v1.BaselineService/Dismiss"
  std::string request;  // in protobuf's text format, in ASCII; at most kMostAudited bytes of it
  grpc::Status status;  // of the answer
};
inline constexpr size_t kMostAudited = 500;

// Called once for each call, before its answer is sent, in the thread that ends it.
using CallAudit = std::function<void(const AuditedCall& call)>;

// What an interceptor gets of a request: a protobuf message, or, of a method with
// WithRawCallbackMethod_NAME, a grpc::ByteBuffer. gRPC does not say which.
enum class RequestForm { kMessage, kBytes };

// Reports every call of `methods` ("sas.v1.BaselineService/Dismiss"), whatever became of it: so no
// service can forget to. Borrows `access`, for the server's lifetime. For
// ServerBuilder::experimental().SetInterceptorCreators().
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> AuditInterceptor(
    Access& access, absl::flat_hash_map<std::string, RequestForm> methods, CallAudit audit);

}  // namespace sasd::rpc

#endif  // RPC_CALL_AUDIT_H_
