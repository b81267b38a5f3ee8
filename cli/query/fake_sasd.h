#ifndef CLI_QUERY_FAKE_SASD_H_
#define CLI_QUERY_FAKE_SASD_H_

#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "cli/query/context.h"
#include "grpcpp/grpcpp.h"
#include "sas/v1/topology_service.grpc.pb.h"

namespace sasd::cli {

// A sasd within the test: it has the resources that it is told, each under the spellings it is
// told, and remembers what it was asked. To be set up before it is asked.
class FakeTopologyService : public sas::v1::TopologyService::Service {
 public:
  void Add(sas::v1::Resource resource, std::vector<std::string> spellings);
  void Suggest(const std::string& suggestion) { suggestions_.push_back(suggestion); }
  // From now on every call ends with it.
  void Fail(grpc::Status status) { failure_ = std::move(status); }

  grpc::Status FindResources(grpc::ServerContext* context,
                             const sas::v1::FindResourcesRequest* request,
                             sas::v1::FindResourcesResponse* response) override;
  grpc::Status ListFindings(grpc::ServerContext* context,
                            const sas::v1::ListFindingsRequest* request,
                            sas::v1::ListFindingsResponse* response) override;
  grpc::Status Diagnose(grpc::ServerContext* context, const sas::v1::DiagnoseRequest* request,
                        sas::v1::DiagnoseResponse* response) override;

  sas::v1::ListFindingsResponse findings;
  sas::v1::DiagnoseResponse diagnosis;
  std::vector<sas::v1::FindResourcesRequest> find_requests;
  std::vector<sas::v1::ListFindingsRequest> findings_requests;

 private:
  struct Entry {
    sas::v1::Resource resource;
    std::vector<std::string> spellings;
  };

  std::vector<Entry> entries_;
  std::vector<std::string> suggestions_;
  grpc::Status failure_;
};

// The same behind an in-process channel, with what a command needs to ask it.
class FakeSasd {
 public:
  FakeSasd();

  Stubs NewStubs();
  // With out() and err(), without colour. The fake outlives it.
  Context context() {
    return {stubs_, out, err, interrupt_, {"unix:/fake.sock", absl::Seconds(30)}, Paint()};
  }

  FakeTopologyService topology;
  std::ostringstream out, err;

 private:
  const std::unique_ptr<grpc::Server> server_;
  const Stubs stubs_;
  Interrupt interrupt_;
};

// A resource from its text: "host { name: ... }".
sas::v1::Resource ParseResource(const std::string& text);

}  // namespace sasd::cli

#endif  // CLI_QUERY_FAKE_SASD_H_
