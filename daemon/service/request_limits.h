#ifndef DAEMON_SERVICE_REQUEST_LIMITS_H_
#define DAEMON_SERVICE_REQUEST_LIMITS_H_

#include "google/protobuf/message.h"
#include "grpcpp/support/status.h"
#include "rpc/limits.h"

namespace sasd::service {

// Checks the number of values of each repeated field of a request, and the length of each text, at
// any depth. Errors: RESOURCE_EXHAUSTED with the limit (repeated_values, text_bytes) and the field.
grpc::Status CheckRequest(const google::protobuf::Message& request, rpc::LimitBook& limits);

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_REQUEST_LIMITS_H_
