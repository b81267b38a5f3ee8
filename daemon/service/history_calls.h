#ifndef DAEMON_SERVICE_HISTORY_CALLS_H_
#define DAEMON_SERVICE_HISTORY_CALLS_H_

#include <functional>
#include <string>

#include "daemon/registry/topology.h"
#include "daemon/service/history_objects.h"
#include "daemon/service/history_reader.h"
#include "grpcpp/support/status.h"
#include "sas/v1/history_service.pb.h"

// The calls of HistoryService without their transport: history_list.cc, history_timeline.cc and
// history_differences.cc. They wait for the history.
namespace sasd::service {

struct HistoryContext {
  const HistoryReader& reader;
  const registry::Topology& topology;  // of now
  std::function<bool()> cancelled;     // the client has gone, or the deadline has passed
  ObjectFinder find = nullptr;         // in `topology`, with an index; null: without one
  // ResourceFinder::WithoutAlias(); null: nothing has an alias.
  std::function<std::string(absl::string_view query)> without_alias = nullptr;

  std::string Plain(const std::string& query) const {
    return without_alias == nullptr ? query : without_alias(query);
  }
};

grpc::Status ListEvents(const sas::v1::ListEventsRequest& request, const HistoryContext& context,
                        sas::v1::ListEventsResponse* response);
grpc::Status GetTimeline(const sas::v1::GetTimelineRequest& request, const HistoryContext& context,
                         sas::v1::GetTimelineResponse* response);
grpc::Status GetDifferences(const sas::v1::GetDifferencesRequest& request,
                            const HistoryContext& context,
                            sas::v1::GetDifferencesResponse* response);

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_HISTORY_CALLS_H_
