#ifndef DAEMON_SERVICE_BASELINE_SERVICE_H_
#define DAEMON_SERVICE_BASELINE_SERVICE_H_

#include "daemon/health/monitor.h"
#include "daemon/registry/registry.h"
#include "daemon/service/calls.h"
#include "daemon/service/resource_finder.h"
#include "grpcpp/grpcpp.h"
#include "sas/v1/baseline_service.grpc.pb.h"

namespace sasd::service {

// All run on the pool, and take bytes.
using BaselineMethods =
    WithMethods<sas::v1::BaselineService::Service,
                sas::v1::BaselineService::WithRawCallbackMethod_ListBaseline,
                sas::v1::BaselineService::WithRawCallbackMethod_AcceptBaseline,
                sas::v1::BaselineService::WithRawCallbackMethod_Dismiss,
                sas::v1::BaselineService::WithRawCallbackMethod_Undismiss,
                sas::v1::BaselineService::WithRawCallbackMethod_ListDismissals>::Type;

// sas.v1.BaselineService: what belongs to this node. The verbs write to the store before they
// answer. Thread-safe.
class BaselineService final : public BaselineMethods {
 public:
  // Borrows all of them for its lifetime.
  BaselineService(const registry::Registry& registry, health::Monitor& monitor,
                  ResourceFinder& finder, Calls& calls)
      : registry_(registry), monitor_(monitor), finder_(finder), calls_(calls) {}

  grpc::ServerUnaryReactor* ListBaseline(grpc::CallbackServerContext* context,
                                         const grpc::ByteBuffer* request,
                                         grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* AcceptBaseline(grpc::CallbackServerContext* context,
                                           const grpc::ByteBuffer* request,
                                           grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* Dismiss(grpc::CallbackServerContext* context,
                                    const grpc::ByteBuffer* request,
                                    grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* Undismiss(grpc::CallbackServerContext* context,
                                      const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListDismissals(grpc::CallbackServerContext* context,
                                           const grpc::ByteBuffer* request,
                                           grpc::ByteBuffer* response) override;

 private:
  const registry::Registry& registry_;
  health::Monitor& monitor_;
  ResourceFinder& finder_;
  Calls& calls_;
};

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_BASELINE_SERVICE_H_
