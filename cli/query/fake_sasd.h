#ifndef CLI_QUERY_FAKE_SASD_H_
#define CLI_QUERY_FAKE_SASD_H_

#include <deque>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "cli/query/context.h"
#include "grpcpp/grpcpp.h"
#include "sas/v1/baseline_service.grpc.pb.h"
#include "sas/v1/history_service.grpc.pb.h"
#include "sas/v1/node_service.grpc.pb.h"
#include "sas/v1/topology_service.grpc.pb.h"

namespace sasd::cli {

// The topology service of a fake sasd. It finds the added resources by their spellings, and records
// the requests. Set it up before the first call.
class FakeTopologyService : public sas::v1::TopologyService::Service {
 public:
  void Add(sas::v1::Resource resource, std::vector<std::string> spellings);
  void AddRemoved(sas::v1::RemovedResource removed, std::vector<std::string> spellings);
  void AddEnclosure(sas::v1::Enclosure enclosure) { *enclosures_.add_enclosures() = enclosure; }
  void Suggest(const std::string& suggestion) { suggestions_.push_back(suggestion); }
  // Makes every later call fail with this status.
  void Fail(grpc::Status status) { failure_ = std::move(status); }

  grpc::Status FindResources(grpc::ServerContext* context,
                             const sas::v1::FindResourcesRequest* request,
                             sas::v1::FindResourcesResponse* response) override;
  grpc::Status ListEnclosures(grpc::ServerContext* context,
                              const sas::v1::ListEnclosuresRequest* request,
                              sas::v1::ListEnclosuresResponse* response) override;
  std::vector<sas::v1::FindResourcesRequest> find_requests;

 private:
  struct Entry {
    sas::v1::Resource resource;
    std::vector<std::string> spellings;
  };
  struct RemovedEntry {
    sas::v1::RemovedResource removed;
    std::vector<std::string> spellings;
  };

  std::vector<RemovedEntry> removed_;
  sas::v1::ListEnclosuresResponse enclosures_;

  std::vector<Entry> entries_;
  std::vector<std::string> suggestions_;
  grpc::Status failure_;
};

// The node service of a fake sasd. It answers with the messages given, and records the requests.
// Set it up before the first call.
class FakeNodeService : public sas::v1::NodeService::Service {
 public:
  // Makes every later call fail with this status.
  void Fail(grpc::Status status) { failure_ = std::move(status); }

  grpc::Status ListFindings(grpc::ServerContext* context,
                            const sas::v1::ListFindingsRequest* request,
                            sas::v1::ListFindingsResponse* response) override;
  grpc::Status Diagnose(grpc::ServerContext* context, const sas::v1::DiagnoseRequest* request,
                        sas::v1::DiagnoseResponse* response) override;

  grpc::Status ListScsiHosts(grpc::ServerContext* context,
                             const sas::v1::ListScsiHostsRequest* request,
                             sas::v1::ListScsiHostsResponse* response) override;

  sas::v1::ListScsiHostsResponse scsi_hosts;
  sas::v1::ListFindingsResponse findings;
  sas::v1::DiagnoseResponse diagnosis;
  std::vector<sas::v1::ListFindingsRequest> findings_requests;

 private:
  grpc::Status failure_;
};

// The history service of a fake sasd. It answers with the pages given, one after the other, and
// records the requests. Set it up before the first call.
class FakeHistoryService : public sas::v1::HistoryService::Service {
 public:
  // Makes every later call fail with this status.
  void Fail(grpc::Status status) { failure_ = std::move(status); }

  grpc::Status ListEvents(grpc::ServerContext* context, const sas::v1::ListEventsRequest* request,
                          sas::v1::ListEventsResponse* response) override;
  grpc::Status GetTimeline(grpc::ServerContext* context, const sas::v1::GetTimelineRequest* request,
                           sas::v1::GetTimelineResponse* response) override;
  grpc::Status GetDifferences(grpc::ServerContext* context,
                              const sas::v1::GetDifferencesRequest* request,
                              sas::v1::GetDifferencesResponse* response) override;

  std::deque<sas::v1::ListEventsResponse> events;
  std::deque<sas::v1::GetTimelineResponse> timelines;
  std::deque<sas::v1::GetDifferencesResponse> differences;
  std::vector<sas::v1::ListEventsRequest> events_requests;
  std::vector<sas::v1::GetTimelineRequest> timeline_requests;
  std::vector<sas::v1::GetDifferencesRequest> differences_requests;

 private:
  grpc::Status failure_;
};

// The baseline service of a fake sasd. It answers with the messages given, pages one after the
// other, and records the requests. Set it up before the first call.
class FakeBaselineService : public sas::v1::BaselineService::Service {
 public:
  // Makes every later call fail with this status.
  void Fail(grpc::Status status) { failure_ = std::move(status); }

  grpc::Status ListBaseline(grpc::ServerContext* context,
                            const sas::v1::ListBaselineRequest* request,
                            sas::v1::ListBaselineResponse* response) override;
  grpc::Status AcceptBaseline(grpc::ServerContext* context,
                              const sas::v1::AcceptBaselineRequest* request,
                              sas::v1::AcceptBaselineResponse* response) override;
  grpc::Status Dismiss(grpc::ServerContext* context, const sas::v1::DismissRequest* request,
                       sas::v1::DismissResponse* response) override;
  grpc::Status Undismiss(grpc::ServerContext* context, const sas::v1::UndismissRequest* request,
                         sas::v1::UndismissResponse* response) override;

  std::deque<sas::v1::ListBaselineResponse> pages;
  sas::v1::AcceptBaselineResponse accepted;
  sas::v1::DismissResponse dismissed;
  sas::v1::UndismissResponse undismissed;
  std::vector<sas::v1::ListBaselineRequest> list_requests;
  std::vector<sas::v1::AcceptBaselineRequest> accept_requests;
  std::vector<sas::v1::DismissRequest> dismiss_requests;
  std::vector<sas::v1::UndismissRequest> undismiss_requests;

 private:
  grpc::Status failure_;
};

// A fake sasd behind an in-process channel, with the context that a command needs.
class FakeSasd {
 public:
  FakeSasd();

  // In this process.
  std::shared_ptr<grpc::ChannelInterface> NewChannel();
  // Writes to `out` and `err`, without colour. The fake must outlive it.
  Context context() {
    return {channel_, out, err, interrupt_, {"unix:/fake.sock", absl::Seconds(30)}, Paint(), clock};
  }

  FakeTopologyService topology;
  FakeNodeService node;
  FakeHistoryService history;
  FakeBaselineService baseline;
  WallClock clock;
  std::ostringstream out, err;

 private:
  const std::unique_ptr<grpc::Server> server_;
  const std::shared_ptr<grpc::ChannelInterface> channel_;
  Interrupt interrupt_;
};

// Parses a resource from text format: "host { name: ... }".
sas::v1::Resource ParseResource(const std::string& text);

}  // namespace sasd::cli

#endif  // CLI_QUERY_FAKE_SASD_H_
