#include "cli/query/fake_sasd.h"

#include "absl/algorithm/container.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace sasd::cli {
namespace {

std::unique_ptr<grpc::Server> NewServer(grpc::Service& topology, grpc::Service& node,
                                        grpc::Service& history, grpc::Service& baseline) {
  grpc::ServerBuilder builder;
  builder.RegisterService(&baseline);
  builder.RegisterService(&history);
  builder.RegisterService(&topology);
  builder.RegisterService(&node);
  return builder.BuildAndStart();
}

// Answers with the next page.
template <typename Response>
grpc::Status TakeNext(std::deque<Response>& pages, Response* response) {
  if (pages.empty()) return grpc::Status(grpc::StatusCode::INTERNAL, "the fake has no page left");
  *response = pages.front();
  pages.pop_front();
  return grpc::Status::OK;
}

}  // namespace

void FakeTopologyService::AddRemoved(sas::v1::RemovedResource removed,
                                     std::vector<std::string> spellings) {
  removed_.push_back({std::move(removed), std::move(spellings)});
}

grpc::Status FakeTopologyService::ListEnclosures(grpc::ServerContext*,
                                                 const sas::v1::ListEnclosuresRequest*,
                                                 sas::v1::ListEnclosuresResponse* response) {
  *response = enclosures_;
  return failure_;
}

void FakeTopologyService::Add(sas::v1::Resource resource, std::vector<std::string> spellings) {
  entries_.push_back({std::move(resource), std::move(spellings)});
}

grpc::Status FakeTopologyService::FindResources(grpc::ServerContext*,
                                                const sas::v1::FindResourcesRequest* request,
                                                sas::v1::FindResourcesResponse* response) {
  find_requests.push_back(*request);
  for (const Entry& entry : entries_) {
    // A kind has the number of its field in Resource.
    const bool wanted = request->kinds().empty() ||
                        absl::c_linear_search(request->kinds(), entry.resource.resource_case());
    if (wanted && absl::c_linear_search(entry.spellings, request->query())) {
      *response->add_resources() = entry.resource;
    }
  }
  for (const RemovedEntry& entry : removed_) {
    if (response->resources().empty() && absl::c_linear_search(entry.spellings, request->query())) {
      *response->add_removed_resources() = entry.removed;
    }
  }
  if (response->resources().empty()) {
    for (const std::string& suggestion : suggestions_) response->add_suggestions(suggestion);
  }
  return failure_;
}

grpc::Status FakeNodeService::ListFindings(grpc::ServerContext*,
                                           const sas::v1::ListFindingsRequest* request,
                                           sas::v1::ListFindingsResponse* response) {
  findings_requests.push_back(*request);
  *response = findings;
  return failure_;
}

grpc::Status FakeNodeService::Diagnose(grpc::ServerContext*, const sas::v1::DiagnoseRequest*,
                                       sas::v1::DiagnoseResponse* response) {
  *response = diagnosis;
  return failure_;
}

grpc::Status FakeNodeService::ListScsiHosts(grpc::ServerContext*,
                                            const sas::v1::ListScsiHostsRequest*,
                                            sas::v1::ListScsiHostsResponse* response) {
  *response = scsi_hosts;
  return failure_;
}

grpc::Status FakeHistoryService::ListEvents(grpc::ServerContext*,
                                            const sas::v1::ListEventsRequest* request,
                                            sas::v1::ListEventsResponse* response) {
  events_requests.push_back(*request);
  return failure_.ok() ? TakeNext(events, response) : failure_;
}

grpc::Status FakeHistoryService::GetTimeline(grpc::ServerContext*,
                                             const sas::v1::GetTimelineRequest* request,
                                             sas::v1::GetTimelineResponse* response) {
  timeline_requests.push_back(*request);
  return failure_.ok() ? TakeNext(timelines, response) : failure_;
}

grpc::Status FakeHistoryService::GetDifferences(grpc::ServerContext*,
                                                const sas::v1::GetDifferencesRequest* request,
                                                sas::v1::GetDifferencesResponse* response) {
  differences_requests.push_back(*request);
  return failure_.ok() ? TakeNext(differences, response) : failure_;
}

grpc::Status FakeBaselineService::ListBaseline(grpc::ServerContext*,
                                               const sas::v1::ListBaselineRequest* request,
                                               sas::v1::ListBaselineResponse* response) {
  list_requests.push_back(*request);
  return failure_.ok() ? TakeNext(pages, response) : failure_;
}

grpc::Status FakeBaselineService::AcceptBaseline(grpc::ServerContext*,
                                                 const sas::v1::AcceptBaselineRequest* request,
                                                 sas::v1::AcceptBaselineResponse* response) {
  accept_requests.push_back(*request);
  *response = accepted;
  return failure_;
}

grpc::Status FakeBaselineService::Dismiss(grpc::ServerContext*,
                                          const sas::v1::DismissRequest* request,
                                          sas::v1::DismissResponse* response) {
  dismiss_requests.push_back(*request);
  *response = dismissed;
  return failure_;
}

grpc::Status FakeBaselineService::Undismiss(grpc::ServerContext*,
                                            const sas::v1::UndismissRequest* request,
                                            sas::v1::UndismissResponse* response) {
  undismiss_requests.push_back(*request);
  *response = undismissed;
  return failure_;
}

FakeSasd::FakeSasd()
    : server_(NewServer(topology, node, history, baseline)), channel_(NewChannel()) {}

std::shared_ptr<grpc::ChannelInterface> FakeSasd::NewChannel() {
  return server_->InProcessChannel(grpc::ChannelArguments());
}

sas::v1::Resource ParseResource(const std::string& text) {
  sas::v1::Resource resource;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &resource)) << text;
  return resource;
}

}  // namespace sasd::cli
