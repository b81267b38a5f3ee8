#include "daemon/service/history_service.h"

#include <memory>

#include "daemon/service/errors.h"
#include "daemon/service/history_calls.h"

namespace sasd::service {

template <typename Request, typename Response>
grpc::ServerUnaryReactor* HistoryService::Answer(grpc::CallbackServerContext* context,
                                                 absl::string_view method,
                                                 const grpc::ByteBuffer* bytes,
                                                 grpc::ByteBuffer* answer,
                                                 grpc::Status (*fill)(const Request& request,
                                                                      const HistoryContext& context,
                                                                      Response* response)) {
  return calls_.Run<Request, Response>(
      context, method, bytes, answer,
      [this, fill](const AdmittedCall& call, const Request& request, Response* response) {
        const std::shared_ptr<const registry::Topology> topology = registry_.Snapshot();
        const ObjectFinder find = [this, &topology](absl::string_view query, Cancelled cancelled) {
          return finder_.Find(topology, query, {}, cancelled);
        };
        const auto without_alias = [this](absl::string_view query) {
          return finder_.WithoutAlias(query);
        };
        return fill(request,
                    HistoryContext{reader_, *topology, call.cancelled, find, without_alias},
                    response);
      });
}

grpc::ServerUnaryReactor* HistoryService::ListEvents(grpc::CallbackServerContext* context,
                                                     const grpc::ByteBuffer* bytes,
                                                     grpc::ByteBuffer* answer) {
  return Answer(context, "sas.v1.HistoryService/ListEvents", bytes, answer, service::ListEvents);
}

grpc::ServerUnaryReactor* HistoryService::GetTimeline(grpc::CallbackServerContext* context,
                                                      const grpc::ByteBuffer* bytes,
                                                      grpc::ByteBuffer* answer) {
  return Answer(context, "sas.v1.HistoryService/GetTimeline", bytes, answer, service::GetTimeline);
}

grpc::ServerUnaryReactor* HistoryService::GetDifferences(grpc::CallbackServerContext* context,
                                                         const grpc::ByteBuffer* bytes,
                                                         grpc::ByteBuffer* answer) {
  return Answer(context, "sas.v1.HistoryService/GetDifferences", bytes, answer,
                service::GetDifferences);
}

}  // namespace sasd::service
