#ifndef RPC_STATUS_H_
#define RPC_STATUS_H_

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "grpcpp/support/status.h"

// The errors that every gRPC service of ours shares. Each carries its payload as a
// google.rpc.Status (trailer grpc-status-details-bin). Pure functions.
namespace sasd::rpc {

// The same code and message, without details.
grpc::Status ToGrpc(const absl::Status& status);

// A status with one detail: a message of google/rpc/error_details.proto.
grpc::Status WithDetail(grpc::StatusCode code, const std::string& message,
                        const google::protobuf::Message& detail);

// A status with ErrorInfo{reason, domain "sasd", metadata}. `reason` is UPPER_SNAKE.
grpc::Status WithReason(grpc::StatusCode code, const std::string& message, absl::string_view reason,
                        const std::map<std::string, std::string>& metadata);

// INVALID_ARGUMENT with BadRequest{field, description}. `field` is a path of the request.
grpc::Status BadField(absl::string_view field, absl::string_view description);

}  // namespace sasd::rpc

#endif  // RPC_STATUS_H_
