#ifndef RPC_SHORT_STATUS_H_
#define RPC_SHORT_STATUS_H_

#include <cstddef>

#include "absl/strings/string_view.h"
#include "grpcpp/support/status.h"

namespace sasd::rpc {

// What a status takes in the trailers, about. A client of gRPC takes 8 KiB of them (a setting of
// the client), and makes RESOURCE_EXHAUSTED of a call with more.
inline constexpr size_t kMostStatusBytes = 4 << 10;

// As gRPC sends it: the message percent-encoded, the details in base64.
size_t StatusBytes(const grpc::Status& status);

// The status, with its texts shortened in their middle if it has more than kMostStatusBytes: an
// error quotes what a client has sent. What its details still do not fit with is left out. A pure
// function.
grpc::Status Shortened(const grpc::Status& status);

}  // namespace sasd::rpc

#endif  // RPC_SHORT_STATUS_H_
