#ifndef DAEMON_SERVICE_HISTORY_SERVICE_H_
#define DAEMON_SERVICE_HISTORY_SERVICE_H_

#include "absl/strings/string_view.h"
#include "daemon/registry/registry.h"
#include "daemon/service/calls.h"
#include "daemon/service/history_reader.h"
#include "daemon/service/resource_finder.h"
#include "grpcpp/grpcpp.h"
#include "sas/v1/history_service.grpc.pb.h"

namespace sasd::service {

struct HistoryContext;

// All run on the pool, and take bytes.
using HistoryMethods =
    WithMethods<sas::v1::HistoryService::Service,
                sas::v1::HistoryService::WithRawCallbackMethod_ListEvents,
                sas::v1::HistoryService::WithRawCallbackMethod_GetTimeline,
                sas::v1::HistoryService::WithRawCallbackMethod_GetDifferences>::Type;

// sas.v1.HistoryService. The calls run on the pool, as they may wait for a disk. Thread-safe.
class HistoryService final : public HistoryMethods {
 public:
  // Borrows all of them for its lifetime.
  HistoryService(const registry::Registry& registry, const HistoryReader& reader,
                 ResourceFinder& finder, Calls& calls)
      : registry_(registry), reader_(reader), finder_(finder), calls_(calls) {}

  grpc::ServerUnaryReactor* ListEvents(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetTimeline(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetDifferences(grpc::CallbackServerContext* context,
                                           const grpc::ByteBuffer* request,
                                           grpc::ByteBuffer* response) override;

 private:
  // Fills the response on the pool with `fill`.
  template <typename Request, typename Response>
  grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context, absl::string_view method,
                                   const grpc::ByteBuffer* bytes, grpc::ByteBuffer* answer,
                                   grpc::Status (*fill)(const Request& request,
                                                        const HistoryContext& context,
                                                        Response* response));

  const registry::Registry& registry_;
  const HistoryReader& reader_;
  ResourceFinder& finder_;
  Calls& calls_;
};

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_HISTORY_SERVICE_H_
