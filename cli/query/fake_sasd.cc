#include "cli/query/fake_sasd.h"

#include "absl/algorithm/container.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace sasd::cli {
namespace {

std::unique_ptr<grpc::Server> NewServer(grpc::Service& topology, grpc::Service& node) {
  grpc::ServerBuilder builder;
  builder.RegisterService(&topology);
  builder.RegisterService(&node);
  return builder.BuildAndStart();
}

}  // namespace

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

FakeSasd::FakeSasd() : server_(NewServer(topology, node)), stubs_(NewStubs()) {}

Stubs FakeSasd::NewStubs() {
  return Stubs::Make(server_->InProcessChannel(grpc::ChannelArguments()));
}

sas::v1::Resource ParseResource(const std::string& text) {
  sas::v1::Resource resource;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &resource)) << text;
  return resource;
}

}  // namespace sasd::cli
