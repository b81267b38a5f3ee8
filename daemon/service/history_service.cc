#include "daemon/service/history_service.h"

#include <memory>

#include "daemon/service/errors.h"
#include "daemon/service/history_calls.h"

namespace sasd::service {

template <typename Request, typename Response, typename Fill>
grpc::ServerUnaryReactor* HistoryService::Answer(grpc::CallbackServerContext* context,
                                                 const Request* request, Response* response,
                                                 Fill fill) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  const bool runs = pool_.Run([this, context, request, response, fill, reactor] {
    const std::shared_ptr<const registry::Topology> topology = registry_.Snapshot();
    const HistoryContext history{reader_, *topology, [context] { return context->IsCancelled(); }};
    reactor->Finish(fill(*request, history, response));
  });
  if (!runs) reactor->Finish(HistoryBusy(pool_.max_waiting()));
  return reactor;
}

grpc::ServerUnaryReactor* HistoryService::ListEvents(grpc::CallbackServerContext* context,
                                                     const sas::v1::ListEventsRequest* request,
                                                     sas::v1::ListEventsResponse* response) {
  return Answer(context, request, response, service::ListEvents);
}

grpc::ServerUnaryReactor* HistoryService::GetTimeline(grpc::CallbackServerContext* context,
                                                      const sas::v1::GetTimelineRequest* request,
                                                      sas::v1::GetTimelineResponse* response) {
  return Answer(context, request, response, service::GetTimeline);
}

grpc::ServerUnaryReactor* HistoryService::GetDifferences(
    grpc::CallbackServerContext* context, const sas::v1::GetDifferencesRequest* request,
    sas::v1::GetDifferencesResponse* response) {
  return Answer(context, request, response, service::GetDifferences);
}

}  // namespace sasd::service
