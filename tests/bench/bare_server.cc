// The floor of watch_bench, as a process of its own: `bare_server ADDRESS` serves a bare stream,
// and EmulatorService.SetPhy, which does no more than to send `phy` messages of about `element`
// bytes to every stream. Ends with its standard input.
#include <atomic>
#include <iostream>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "driver/base/clock.h"
#include "grpcpp/grpcpp.h"
#include "sas/v1/emulator_service.grpc.pb.h"
#include "sas/v1/watch_service.pb.h"
#include "tests/bench/bare_stream.h"
#include "tests/bench/stream_client.h"

namespace sasd::bench {
namespace {

class Trigger : public sas::v1::EmulatorService::Service {
 public:
  void Connect(BareStreamServer& server) { server_ = &server; }

  grpc::Status FlapPhy(grpc::ServerContext*, const sas::v1::FlapPhyRequest* request,
                       sas::v1::FlapPhyResponse*) override {
    int64_t size = 0;
    if (!absl::SimpleAtoi(request->element(), &size)) {
      return grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "element: wants a size");
    }
    for (uint32_t change = 0; change < 2 * request->count(); ++change) {
      // The messages of an act are there at one moment, as the firmware's events are.
      const absl::Duration now = SystemClock().Monotonic();
      for (uint32_t i = 1; i <= request->phy(); ++i) Send(size, now, i == request->phy());
      absl::SleepFor(absl::Nanoseconds(request->interval().nanos()));
    }
    return grpc::Status::OK;
  }

 private:
  void Send(int64_t size, absl::Duration time, bool last) {
    sas::v1::WatchResponse response;
    sas::v1::Event* event = response.add_events();
    event->set_revision(++revision_);
    event->set_arrival_monotonic_time_ns(absl::ToInt64Nanoseconds(time));
    if (last) event->mutable_cause()->set_text(kLastOfAct);
    const int64_t padding = size - static_cast<int64_t>(response.ByteSizeLong());
    if (padding > 0) event->set_resume_token(std::string(padding, 'x'));
    server_->Broadcast(response.SerializeAsString());
  }

  BareStreamServer* server_ = nullptr;
  std::atomic<int64_t> revision_{1};
};

int Main(const std::string& address) {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);  // as sasd does
  Trigger trigger;
  BareStreamServer server(address, trigger);
  trigger.Connect(server);
  for (std::string line; std::getline(std::cin, line);) {
  }
  return 0;
}

}  // namespace
}  // namespace sasd::bench

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: bare_server ADDRESS\n";
    return 2;
  }
  return sasd::bench::Main(argv[1]);
}
