// The baseline of watch_bench, in a process of its own: `bare_server ADDRESS` serves a bare stream
// and EmulatorService.FlapPhy, which only sends messages to every stream. If `element` is a number,
// it sends `phy` messages of that many bytes. Otherwise `element` is a file with a WatchResponse,
// and it sends each of its events. The program ends at the end of its standard input.
#include <fstream>
#include <iostream>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "driver/base/clock.h"
#include "grpcpp/grpcpp.h"
#include "sas/emulator/v1/emulator_service.grpc.pb.h"
#include "sas/v1/watch_service.pb.h"
#include "tests/bench/bare_stream.h"
#include "tests/bench/stream_client.h"

namespace sasd::bench {
namespace {

class Trigger : public sas::emulator::v1::EmulatorService::Service {
 public:
  void Connect(BareStreamServer& server) { server_ = &server; }

  grpc::Status FlapPhy(grpc::ServerContext*, const sas::emulator::v1::FlapPhyRequest* request,
                       sas::emulator::v1::FlapPhyResponse*) override {
    sas::v1::EventBatch act;
    int64_t size = 0;
    if (absl::SimpleAtoi(request->element(), &size)) {
      act = Padded(size, request->phy());
    } else if (std::ifstream file(request->element(), std::ios::binary);
               !act.ParseFromIstream(&file) || act.events_size() == 0) {
      return grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "element: must be a size or a file");
    }
    for (int32_t change = 0; change < 2 * request->count(); ++change) {
      // All messages of an act have one arrival time, as the firmware's events have.
      const absl::Duration now = SystemClock().Monotonic();
      for (const sas::v1::Event& event : act.events()) Send(event, now);
      absl::SleepFor(absl::Nanoseconds(request->interval().nanos()));
    }
    return grpc::Status::OK;
  }

 private:
  // An act of `count` messages of `size` bytes each.
  static sas::v1::EventBatch Padded(int64_t size, uint32_t count) {
    sas::v1::EventBatch act;
    for (uint32_t i = 1; i <= count; ++i) {
      sas::v1::Event* event = act.add_events();
      event->set_revision(i);
      event->set_arrival_monotonic_time_ns(absl::ToInt64Nanoseconds(SystemClock().Monotonic()));
      if (i == count) event->mutable_cause()->set_text(kLastOfAct);
      const int64_t padding = size - static_cast<int64_t>(event->ByteSizeLong());
      if (padding > 0) event->set_resume_token(std::string(padding, 'x'));
    }
    return act;
  }

  void Send(const sas::v1::Event& event, absl::Duration time) {
    sas::v1::WatchResponse response;
    *response.mutable_events()->add_events() = event;
    response.mutable_events()->mutable_events(0)->set_arrival_monotonic_time_ns(
        absl::ToInt64Nanoseconds(time));
    server_->Broadcast(response.SerializeAsString());
  }

  BareStreamServer* server_ = nullptr;
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
