// The large storm: 1,000 eager, slow, stalled and restless subscribers on the unix socket, and more
// than 100,000 random events on 10,000 devices. The exit code is 1 unless every subscriber has the
// fabric's truth at the end. Prints the rate of received events beside that of a bare gRPC stream
// with as many subscribers and messages of the same size.
//
//   large_storm BARE_SERVER [--subscribers N] [--acts N] [--seed N]
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "daemon/daemon.h"
#include "driver/base/clock.h"
#include "grpcpp/grpcpp.h"
#include "rpc/limits.h"
#include "sas/emulator/v1/emulator_service.grpc.pb.h"
#include "tests/bench/bare_stream.h"
#include "tests/bench/stream_client.h"
#include "tests/bench/subprocess.h"
#include "tests/storm/grpc_feed.h"
#include "tests/storm/storm.h"
#include "tests/storm/system.h"
#include "tests/support/chaos.h"

namespace sasd::bench {
namespace {

constexpr absl::Duration kTimeout = absl::Minutes(30);
constexpr int kStreamsPerChannel = 10;

void Require(bool ok, const std::string& what) {
  if (ok) return;
  std::cerr << "large_storm: " << what << "\n";
  exit(1);
}

struct Rate {
  double events_per_second = 0;  // over all subscribers
  double message_bytes = 0;
};

// Runs the storm. Requires that every subscriber ends with the fabric's truth.
Rate Storm(const testing::StormOptions& storm, int acts, const std::string& address) {
  DaemonOptions options;
  options.fabric = "synthetic:1x100x100";
  options.server.listen = {address};
  options.limits = {{rpc::Limit::kWatchStallSeconds, 3600}};  // some stall for the whole storm
  absl::StatusOr<std::unique_ptr<Daemon>> daemon = Daemon::Start(options, SystemClock());
  Require(daemon.ok(), std::string(daemon.status().message()));
  Daemon& d = **daemon;
  VirtualBackend& fabric = *AsVirtual(d.backend());
  const auto settle = [&d, &fabric] {
    const auto revision = testing::Settle(fabric, d.registry(), kTimeout);
    Require(revision.ok(), std::string(revision.status().message()));
    return *revision;
  };
  const testing::StormTarget target{
      fabric.emulator(),
      [&d](const std::string& token) { return testing::GrpcFeed::Open(d.address(), token); },
      settle, [&fabric] { testing::Nudge(fabric); }};
  testing::Chaos chaos(storm.seed, {}, testing::FabricOf(fabric));
  const testing::StormReport report = testing::RunStorm(storm, chaos.Take(acts), target);
  for (const std::string& error : report.errors) std::cerr << error << "\n";
  Require(report.errors.empty(), "the stream broke a promise to a subscriber");
  const std::vector<std::string> wrong = testing::DifferencesFromFabric(fabric, d.registry());
  for (const std::string& line : wrong) std::cerr << line << "\n";
  Require(wrong.empty(), "the registry differs from the fabric");
  const double seconds = absl::ToDoubleSeconds(report.duration);
  const auto stats = d.log().stats();
  std::cout << absl::StrFormat(
      "%d acts, %d revisions in %.1f s (%.0f/s), %d subscribers: %d resumes, %d resyncs; all have "
      "the fabric's truth\n",
      acts, report.revisions, seconds, report.revisions / seconds, storm.subscribers,
      report.resumes, report.resyncs);
  return {static_cast<double>(report.events_received) / absl::ToDoubleSeconds(report.until_all),
          static_cast<double>(stats.log_bytes) / static_cast<double>(stats.log_events)};
}

Rate Bare(const std::string& program, const std::string& address, int subscribers, Rate storm) {
  Subprocess server({program, address});
  const auto channel = grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
  Require(channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(30)),
          "the bare server does not answer");
  StreamFleet fleet(address, BareStreamServer::kMethod, "", subscribers, kStreamsPerChannel);
  Require(fleet.WaitSynced(absl::Minutes(2)), "a subscriber did not reach SYNCED");
  const auto emulator = sas::emulator::v1::EmulatorService::NewStub(channel);
  sas::emulator::v1::FlapPhyRequest request;
  request.set_element(absl::StrCat(static_cast<int>(storm.message_bytes)));
  request.set_phy(1);
  request.set_count(500);
  grpc::ClientContext context;
  sas::emulator::v1::FlapPhyResponse response;
  const absl::Duration start = SystemClock().Monotonic();
  Require(emulator->FlapPhy(&context, request, &response).ok(), "FlapPhy");
  Require(fleet.WaitActs(2 * request.count(), kTimeout), "a subscriber missed a message");
  const absl::Duration took = SystemClock().Monotonic() - start;
  return {static_cast<double>(fleet.Take().events) / absl::ToDoubleSeconds(took),
          storm.message_bytes};
}

int Main(int argc, char** argv) {
  CLI::App app("Measure a storm with many subscribers beside a bare stream");
  std::string bare_program;
  testing::StormOptions storm;
  storm.subscribers = 1'000;
  int acts = 30'000;  // give more than 100,000 events
  app.add_option("bare_server", bare_program, "Path of the bare server")->required();
  app.add_option("--subscribers", storm.subscribers, "Number of subscribers")
      ->capture_default_str();
  app.add_option("--acts", acts, "Number of acts on the fabric")->capture_default_str();
  app.add_option("--seed", storm.seed, "Seed of the acts")->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  char folder[] = "/tmp/storm.XXXXXX";
  Require(mkdtemp(folder) != nullptr, "cannot make a folder in /tmp");
  const absl::Cleanup remove = [&folder] { rmdir(folder); };
  const Rate real = Storm(storm, acts, absl::StrCat("unix:", folder, "/s"));
  const std::string bare_socket = absl::StrCat(folder, "/b");
  const Rate bare = Bare(bare_program, absl::StrCat("unix:", bare_socket), storm.subscribers, real);
  unlink(bare_socket.c_str());
  std::cout << absl::StrFormat(
      "events received: sasd %.0f/s, bare stream of %.0f bytes %.0f/s, ratio %.2f\n",
      real.events_per_second, real.message_bytes, bare.events_per_second,
      real.events_per_second / bare.events_per_second);
  return 0;
}

}  // namespace
}  // namespace sasd::bench

int main(int argc, char** argv) { return sasd::bench::Main(argc, argv); }
