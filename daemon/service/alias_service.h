#ifndef DAEMON_SERVICE_ALIAS_SERVICE_H_
#define DAEMON_SERVICE_ALIAS_SERVICE_H_

#include "daemon/registry/registry.h"
#include "daemon/service/alias_book.h"
#include "daemon/service/calls.h"
#include "daemon/service/resource_finder.h"
#include "driver/base/clock.h"
#include "grpcpp/grpcpp.h"
#include "sas/v1/alias_service.grpc.pb.h"

namespace sasd::service {

// All run on the pool, and take bytes.
using AliasMethods = WithMethods<sas::v1::AliasService::Service,
                                 sas::v1::AliasService::WithRawCallbackMethod_ListAliases,
                                 sas::v1::AliasService::WithRawCallbackMethod_SetAlias,
                                 sas::v1::AliasService::WithRawCallbackMethod_RemoveAlias>::Type;

// sas.v1.AliasService: what operators call hosts and enclosures. Thread-safe.
class AliasService final : public AliasMethods {
 public:
  // Borrows all of them for its lifetime.
  AliasService(registry::Registry& registry, AliasBook& book, ResourceFinder& finder, Calls& calls,
               Clock& clock = SystemClock())
      : registry_(registry), book_(book), finder_(finder), calls_(calls), clock_(clock) {}

  grpc::ServerUnaryReactor* ListAliases(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* SetAlias(grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request,
                                     grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* RemoveAlias(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;

 private:
  registry::Registry& registry_;
  AliasBook& book_;
  ResourceFinder& finder_;
  Calls& calls_;
  Clock& clock_;
};

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_ALIAS_SERVICE_H_
