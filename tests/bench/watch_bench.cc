// Measures how fast a firmware event reaches 1, 100 and 1,000 Watch clients on the unix socket. The
// baseline is a bare gRPC stream: another process sends the same messages to the same client at
// once.
//
//   watch_bench SASD BARE_SERVER [--events N]
//
// An act is the same call to both servers: a lane of a wide port goes down or returns. The firmware
// reports it in a few events (discovery started, the two phys, discovery completed).
//
// The latency starts when the virtual firmware queues the event (the bare server: hands over the
// message) and ends at the receipt by each subscriber. The rate is that of a burst of acts, in
// events times subscribers per second.
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "driver/base/clock.h"
#include "grpcpp/grpcpp.h"
#include "sas/emulator/v1/emulator_service.grpc.pb.h"
#include "sas/v1/node_service.grpc.pb.h"
#include "sas/v1/topology_service.grpc.pb.h"
#include "sas/v1/watch_service.pb.h"
#include "tests/bench/bare_stream.h"
#include "tests/bench/stream_client.h"
#include "tests/bench/subprocess.h"

namespace sasd::bench {
namespace {

constexpr absl::Duration kTimeout = absl::Seconds(120);
constexpr char kWatchMethod[] = "/sas.v1.WatchService/Watch";

void Require(bool ok, const std::string& what) {
  if (ok) return;
  std::cerr << "watch_bench: " << what << "\n";
  exit(1);
}

void Require(const grpc::Status& status, const std::string& what) {
  Require(status.ok(), absl::StrCat(what, ": ", status.error_message()));
}

struct Result {
  double p50_us = 0, p99_us = 0;
  double message_bytes = 0;
  std::string act;  // a WatchResponse with the events of one act
  double events_per_act = 1;
  double burst_rate = 0;  // events received per second, over all subscribers
};

double Percentile(std::vector<int64_t>& ns, double fraction) {
  if (ns.empty()) return 0;
  const auto at =
      ns.begin() + static_cast<ptrdiff_t>(fraction * static_cast<double>(ns.size() - 1));
  std::nth_element(ns.begin(), at, ns.end());
  return static_cast<double>(*at) / 1000;
}

// A server whose acts EmulatorService.FlapPhy causes. No other call runs during an act.
class Server {
 public:
  Server(const std::vector<std::string>& command, const std::string& address)
      : process_(command),
        channel_(grpc::CreateChannel(address, grpc::InsecureChannelCredentials())),
        emulator_(sas::emulator::v1::EmulatorService::NewStub(channel_)) {
    Require(channel_->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(30)),
            absl::StrCat(command.front(), " does not answer"));
  }

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

  // Causes `acts` acts (an even number), one per `interval`.
  void Act(sas::emulator::v1::FlapPhyRequest request, int acts, absl::Duration interval) {
    request.set_count(static_cast<uint32_t>(acts / 2));
    request.mutable_interval()->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(interval)));
    grpc::ClientContext context;
    sas::emulator::v1::FlapPhyResponse response;
    Require(emulator_->FlapPhy(&context, request, &response), "FlapPhy");
  }

 private:
  Subprocess process_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<sas::emulator::v1::EmulatorService::Stub> emulator_;
};

// Measures single acts, with time for all subscribers between them, then a burst of acts.
Result Measure(StreamFleet& fleet, int acts, int subscribers, Server& server,
               const sas::emulator::v1::FlapPhyRequest& act) {
  const absl::Duration interval = absl::Milliseconds(2) + subscribers * absl::Microseconds(200);
  const int warm_up = 20, burst = std::max(200, 20000 / subscribers);
  const auto all = [&fleet](int64_t done) {
    Require(fleet.WaitActs(done, kTimeout), "an event did not reach every subscriber");
    return fleet.Take();
  };
  Require(fleet.WaitSynced(kTimeout), "a subscriber did not reach SYNCED");
  server.Act(act, warm_up, interval);
  all(warm_up);
  server.Act(act, acts, interval);
  Receipts receipts = all(warm_up + acts);
  Result result;
  result.p50_us = Percentile(receipts.latency_ns, 0.50);
  result.p99_us = Percentile(receipts.latency_ns, 0.99);
  result.message_bytes = static_cast<double>(receipts.bytes) /
                         static_cast<double>(std::max<uint64_t>(receipts.events, 1));
  result.act = std::move(receipts.newest_act);
  result.events_per_act = static_cast<double>(receipts.events) / (acts * subscribers);
  const absl::Duration start = SystemClock().Monotonic();
  server.Act(act, burst, absl::ZeroDuration());
  const Receipts burst_receipts = all(warm_up + acts + burst);
  const absl::Duration took = SystemClock().Monotonic() - start;
  result.burst_rate = static_cast<double>(burst_receipts.events) / absl::ToDoubleSeconds(took);
  return result;
}

// Waits for the discovery and returns a lane of a wide port.
sas::emulator::v1::FlapPhyRequest FindLane(const std::shared_ptr<grpc::Channel>& channel) {
  const auto node = sas::v1::NodeService::NewStub(channel);
  const auto topology = sas::v1::TopologyService::NewStub(channel);
  grpc::ClientContext settled_context, ports_context;
  sas::v1::WaitSettledResponse settled;
  Require(node->WaitSettled(&settled_context, {}, &settled), "WaitSettled");
  sas::v1::ListPortsRequest request;
  request.set_view(sas::v1::VIEW_FULL);
  sas::v1::Condition& wide = *request.mutable_filter()->add_conditions();
  wide.set_field("width");
  wide.set_operator_(sas::v1::OPERATOR_GREATER_OR_EQUAL);
  wide.add_values("4");
  sas::v1::ListPortsResponse response;
  Require(topology->ListPorts(&ports_context, request, &response), "ListPorts");
  Require(response.ports_size() > 0, "the fabric has no wide port");
  const sas::v1::Port& port = response.ports(0);
  sas::emulator::v1::FlapPhyRequest lane;
  lane.set_element(port.owner().substr(port.owner().rfind('/') + 1));
  lane.set_phy(port.phy_identifiers(0));
  return lane;
}

int Main(const std::string& sasd_program, const std::string& bare_program, int events) {
  const std::string folder = absl::StrCat("/tmp/sasd-bench.", getpid());
  const std::string sasd_address = absl::StrCat("unix:", folder, ".sasd.sock");
  const std::string bare_address = absl::StrCat("unix:", folder, ".bare.sock");
  Server sasd(
      {sasd_program, "--fabric", "demo", "--listen", sasd_address, "--log-level", "warning"},
      sasd_address);
  Server bare({bare_program, bare_address}, bare_address);
  const sas::emulator::v1::FlapPhyRequest lane = FindLane(sasd.channel());
  std::cout << std::unitbuf
            << "firmware event -> Watch client on a unix socket, beside a bare gRPC stream\n"
            << absl::StrFormat("%11s %6s %6s %18s %18s %13s %27s %6s\n", "subscribers", "burst",
                               "bytes", "sasd p50/p99 us", "bare p50/p99 us", "ratio",
                               "burst events/s sasd/bare", "ratio");
  for (const int subscribers : {1, 100, 1000}) {
    const int rounds = std::max(50, events / subscribers);
    const int per_channel = subscribers == 1 ? 1 : 10;
    sas::v1::WatchRequest request;
    request.set_skip_snapshot(true);
    Result real, floor;
    {
      StreamFleet fleet(sasd_address, kWatchMethod, request.SerializeAsString(), subscribers,
                        per_channel);
      real = Measure(fleet, rounds, subscribers, sasd, lane);
    }
    {
      StreamFleet fleet(bare_address, BareStreamServer::kMethod, "", subscribers, per_channel);
      sas::emulator::v1::FlapPhyRequest send;
      send.set_element(absl::StrCat(folder, ".act"));
      std::ofstream(send.element(), std::ios::binary) << real.act;
      floor = Measure(fleet, rounds, subscribers, bare, send);
      unlink(send.element().c_str());
    }
    std::cout
        << absl::StrFormat(
               "%11d %6.1f %6.0f %8.0f /%8.0f %8.0f /%8.0f %5.2f /%5.2f  %12.0f /%12.0f %6.2f\n",
               subscribers, real.events_per_act, real.message_bytes, real.p50_us, real.p99_us,
               floor.p50_us, floor.p99_us, real.p50_us / floor.p50_us, real.p99_us / floor.p99_us,
               real.burst_rate, floor.burst_rate, real.burst_rate / floor.burst_rate)
        << std::flush;
  }
  return 0;
}

}  // namespace
}  // namespace sasd::bench

int main(int argc, char** argv) {
  if (argc != 3 && !(argc == 5 && std::string(argv[3]) == "--events")) {
    std::cerr << "usage: watch_bench SASD BARE_SERVER [--events N]\n";
    return 2;
  }
  return sasd::bench::Main(argv[1], argv[2], argc == 5 ? atoi(argv[4]) : 2000);
}
