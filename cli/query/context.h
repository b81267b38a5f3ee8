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

namespace sasd::cli {

// What every command uses. The references must outlive the command.
struct Context {
  std::shared_ptr<grpc::ChannelInterface> channel;  // to sasd
  std::ostream& out;
  std::ostream& err;
  Interrupt& interrupt;
  Endpoint endpoint;
  Paint paint;
  WallClock clock = {};
  Screen screen = {};

  // The stub of a service, such as sas::v1::NodeService. A file includes those that it calls.
  template <typename Service>
  std::unique_ptr<typename Service::StubInterface> Stub() const {
    return Service::NewStub(channel);
  }

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
  template <typename StubInterface, typename Request, typename Response>
  absl::StatusOr<Response> Call(StubInterface& stub,
                                grpc::Status (StubInterface::*method)(grpc::ClientContext*,
                                                                      const Request&, Response*),
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
