#include "daemon/service/history_service.h"

#include <memory>

#include "daemon/service/errors.h"
#include "daemon/service/history_calls.h"

namespace sasd::service {

template <typename Request, typename Response, typename Fill>
grpc::ServerUnaryReactor* HistoryService::Answer(grpc::CallbackServerContext* context,
                                                 absl::string_view method, const Request* request,
                                                 Response* response, Fill fill) {
  return calls_.Run(
      context, method, request, [this, request, response, fill](const AdmittedCall& call) {
        const std::shared_ptr<const registry::Topology> topology = registry_.Snapshot();
        const ObjectFinder find = [this, &topology](absl::string_view query, Cancelled cancelled) {
          return finder_.Find(topology, query, {}, cancelled);
        };
        const auto without_alias = [this](absl::string_view query) {
          return finder_.WithoutAlias(query);
        };
        return fill(*request,
                    HistoryContext{reader_, *topology, call.cancelled, find, without_alias},
                    response);
      });
}

grpc::ServerUnaryReactor* HistoryService::ListEvents(grpc::CallbackServerContext* context,
                                                     const sas::v1::ListEventsRequest* request,
                                                     sas::v1::ListEventsResponse* response) {
  return Answer(context, "sas.v1.HistoryService/ListEvents", request, response,
                service::ListEvents);
}

grpc::ServerUnaryReactor* HistoryService::GetTimeline(grpc::CallbackServerContext* context,
                                                      const sas::v1::GetTimelineRequest* request,
                                                      sas::v1::GetTimelineResponse* response) {
  return Answer(context, "sas.v1.HistoryService/GetTimeline", request, response,
                service::GetTimeline);
}

grpc::ServerUnaryReactor* HistoryService::GetDifferences(
    grpc::CallbackServerContext* context, const sas::v1::GetDifferencesRequest* request,
    sas::v1::GetDifferencesResponse* response) {
  return Answer(context, "sas.v1.HistoryService/GetDifferences", request, response,
                service::GetDifferences);
}

}  // namespace sasd::service
