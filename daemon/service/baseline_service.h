#ifndef DAEMON_SERVICE_BASELINE_SERVICE_H_
#define DAEMON_SERVICE_BASELINE_SERVICE_H_

#include "daemon/health/monitor.h"
#include "daemon/registry/registry.h"
#include "daemon/service/calls.h"
#include "daemon/service/resource_finder.h"
#include "grpcpp/grpcpp.h"
#include "sas/v1/baseline_service.grpc.pb.h"

namespace sasd::service {

// sas.v1.BaselineService: what belongs to this node. The verbs write to the store before they
// answer. Thread-safe.
class BaselineService final : public sas::v1::BaselineService::CallbackService {
 public:
  // Borrows all of them for its lifetime.
  BaselineService(const registry::Registry& registry, health::Monitor& monitor,
                  ResourceFinder& finder, Calls& calls)
      : registry_(registry), monitor_(monitor), finder_(finder), calls_(calls) {}

  grpc::ServerUnaryReactor* ListBaseline(grpc::CallbackServerContext* context,
                                         const sas::v1::ListBaselineRequest* request,
                                         sas::v1::ListBaselineResponse* response) override;
  grpc::ServerUnaryReactor* AcceptBaseline(grpc::CallbackServerContext* context,
                                           const sas::v1::AcceptBaselineRequest* request,
                                           sas::v1::AcceptBaselineResponse* response) override;
  grpc::ServerUnaryReactor* Dismiss(grpc::CallbackServerContext* context,
                                    const sas::v1::DismissRequest* request,
                                    sas::v1::DismissResponse* response) override;
  grpc::ServerUnaryReactor* Undismiss(grpc::CallbackServerContext* context,
                                      const sas::v1::UndismissRequest* request,
                                      sas::v1::UndismissResponse* response) override;
  grpc::ServerUnaryReactor* ListDismissals(grpc::CallbackServerContext* context,
                                           const sas::v1::ListDismissalsRequest* request,
                                           sas::v1::ListDismissalsResponse* response) override;

 private:
  const registry::Registry& registry_;
  health::Monitor& monitor_;
  ResourceFinder& finder_;
  Calls& calls_;
};

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_BASELINE_SERVICE_H_
