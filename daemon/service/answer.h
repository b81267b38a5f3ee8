#ifndef DAEMON_SERVICE_ANSWER_H_
#define DAEMON_SERVICE_ANSWER_H_

#include "grpcpp/grpcpp.h"

namespace sasd::service {

// Ends a unary call whose response is filled in, or failed. Does not wait.
inline grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context,
                                        const grpc::Status& status) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(status);
  return reactor;
}

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_ANSWER_H_
