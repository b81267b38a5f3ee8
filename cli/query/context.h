#ifndef CLI_QUERY_CONTEXT_H_
#define CLI_QUERY_CONTEXT_H_

#include <chrono>
#include <memory>
#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "cli/output/paint.h"
#include "cli/output/progress.h"
#include "cli/output/screen.h"
#include "cli/output/wall_clock.h"
#include "cli/query/interrupt.h"
#include "cli/query/rpc_error.h"
#include "grpcpp/client_context.h"
#include "sas/emulator/v1/emulator_service.grpc.pb.h"
#include "sas/v1/alias_service.grpc.pb.h"
#include "sas/v1/baseline_service.grpc.pb.h"
#include "sas/v1/history_service.grpc.pb.h"
#include "sas/v1/metrics_service.grpc.pb.h"
#include "sas/v1/node_service.grpc.pb.h"
#include "sas/v1/topology_service.grpc.pb.h"
#include "sas/v1/watch_service.grpc.pb.h"

namespace sasd::cli {

// The services of one sasd.
struct Stubs {
  std::unique_ptr<sas::v1::TopologyService::StubInterface> topology;
  std::unique_ptr<sas::v1::NodeService::StubInterface> node;
  std::unique_ptr<sas::v1::HistoryService::StubInterface> history;
  std::unique_ptr<sas::v1::WatchService::StubInterface> watch;
  std::unique_ptr<sas::v1::BaselineService::StubInterface> baseline;
  std::unique_ptr<sas::emulator::v1::EmulatorService::StubInterface> emulator;
  std::unique_ptr<sas::v1::MetricsService::StubInterface> metrics;
  std::unique_ptr<sas::v1::AliasService::StubInterface> aliases;

  // The stubs of all services behind one channel.
  static Stubs Make(const std::shared_ptr<grpc::ChannelInterface>& channel) {
    return {sas::v1::TopologyService::NewStub(channel),
            sas::v1::NodeService::NewStub(channel),
            sas::v1::HistoryService::NewStub(channel),
            sas::v1::WatchService::NewStub(channel),
            sas::v1::BaselineService::NewStub(channel),
            sas::emulator::v1::EmulatorService::NewStub(channel),
            sas::v1::MetricsService::NewStub(channel),
            sas::v1::AliasService::NewStub(channel)};
  }
};

// What every command uses. The references must outlive the command.
struct Context {
  const Stubs& stubs;
  std::ostream& out;
  std::ostream& err;
  Interrupt& interrupt;
  Endpoint endpoint;
  Paint paint;
  WallClock clock = {};
  Screen screen = {};

  // A context with the deadline of one call; InfiniteDuration() for none.
  std::unique_ptr<grpc::ClientContext> NewCall(absl::Duration timeout) const {
    auto call = std::make_unique<grpc::ClientContext>();
    if (timeout < absl::InfiniteDuration()) {
      call->set_deadline(absl::ToChronoTime(absl::Now() + timeout));
    }
    return call;
  }

  // Makes a unary call within the endpoint's timeout. Shows on a terminal that it takes long.
  // Errors: as FromRpc().
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(Stub& stub,
                                grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                             Response*),
                                const Request& request) const {
    Response response;
    const Progress progress(err, screen.shows_progress, "waiting for sasd");
    const grpc::Status status = (stub.*method)(NewCall(endpoint.timeout).get(), request, &response);
    if (!status.ok()) return FromRpc(status, endpoint);
    return response;
  }

  // Flushes `out`. Returns false if it takes no more; the command should then stop. Run() reports
  // why.
  bool Flush() const { return static_cast<bool>(out.flush()); }
};

}  // namespace sasd::cli

#endif  // CLI_QUERY_CONTEXT_H_
