// The floor of watch_bench, as a process of its own: `bare_server ADDRESS` serves a bare stream.
// Each line on standard input, "REVISION SIZE COUNT", sends COUNT messages of about SIZE bytes to
// every stream, with revisions from REVISION on and the time of sending.
#include <iostream>
#include <string>

#include "driver/base/clock.h"
#include "sas/v1/watch_service.pb.h"
#include "tests/bench/bare_stream.h"

namespace sasd::bench {
namespace {

int Main(const std::string& address) {
  BareStreamServer server(address);
  int64_t revision = 0, size = 0, count = 0;
  while (std::cin >> revision >> size >> count) {
    for (int64_t i = 0; i < count; ++i) {
      sas::v1::WatchResponse response;
      sas::v1::Event* event = response.add_events();
      event->set_revision(revision + i);
      event->set_arrival_monotonic_time_ns(absl::ToInt64Nanoseconds(SystemClock().Monotonic()));
      const int64_t padding = size - static_cast<int64_t>(response.ByteSizeLong());
      if (padding > 0) event->mutable_cause()->set_text(std::string(padding, 'x'));
      server.Broadcast(response.SerializeAsString());
    }
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
