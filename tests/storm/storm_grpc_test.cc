// A storm over the unix socket: 100 subscribers, 20,000 events, 10,000 devices.
#include <stdlib.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "absl/base/config.h"
#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "daemon/daemon.h"
#include "gtest/gtest.h"
#include "rpc/limits.h"
#include "tests/storm/grpc_feed.h"
#include "tests/storm/storm.h"
#include "tests/storm/system.h"
#include "tests/support/chaos.h"

namespace sasd::testing {
namespace {

constexpr absl::Duration kTimeout = absl::Minutes(5);

// Acts, and the fewest revisions that they give. AddressSanitizer gets a tenth.
#ifdef ABSL_HAVE_ADDRESS_SANITIZER
constexpr char kFabric[] = "synthetic:1x10x100";
constexpr int kActs = 600, kRevisions = 2'000;
#else
constexpr char kFabric[] = "synthetic:1x100x100";
constexpr int kActs = 6'000, kRevisions = 20'000;
#endif

TEST(StormGrpcTest, EverySubscriberEndsWithTheFabricsTruth) {
  DaemonOptions options;
  options.fabric = kFabric;
  // Not in TempDir(): the path of a unix socket is short.
  char folder[] = "/tmp/storm.XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  const absl::Cleanup remove = [&folder] { rmdir(folder); };
  options.server.listen = {absl::StrCat("unix:", folder, "/s")};
  // Stalled subscribers fall behind, others seldom do: each time costs a full snapshot.
  options.log.max_events = kRevisions / 4;
  options.log.max_bytes = 64 << 20;
  // They stall for the whole storm, which takes minutes on a slow machine.
  options.limits = {{rpc::Limit::kWatchStallSeconds, 3600}};
  absl::StatusOr<std::unique_ptr<Daemon>> daemon = Daemon::Start(options, SystemClock());
  ASSERT_TRUE(daemon.ok()) << daemon.status();
  Daemon& d = **daemon;
  VirtualBackend& fabric = *AsVirtual(d.backend());

  StormOptions storm;
  storm.subscribers = 100;
  StormTarget target{fabric.emulator(),
                     [&d](const std::string& token) { return GrpcFeed::Open(d.address(), token); },
                     [&d, &fabric] {
                       const absl::StatusOr<int64_t> revision =
                           Settle(fabric, d.registry(), kTimeout);
                       EXPECT_TRUE(revision.ok()) << revision.status();
                       return revision.value_or(0);
                     },
                     [&fabric] { Nudge(fabric); }};
  Chaos chaos(storm.seed, {}, FabricOf(fabric));
  const StormReport report = RunStorm(storm, chaos.Take(kActs), target);

  EXPECT_TRUE(report.errors.empty()) << absl::StrJoin(report.errors, "\n");
  EXPECT_GE(report.revisions, kRevisions);
  EXPECT_GE(report.resyncs, storm.subscribers / 10) << "stalled subscribers did not fall behind";
  EXPECT_GT(report.resumes, 0);
  EXPECT_LE(d.log().stats().log_events, options.log.max_events);
  EXPECT_LE(d.log().stats().log_bytes, options.log.max_bytes);
  const std::vector<std::string> wrong = DifferencesFromFabric(fabric, d.registry());
  EXPECT_TRUE(wrong.empty()) << absl::StrJoin(wrong, "\n");
  const std::vector<std::string> differing = MirrorOf(d.registry()).Differences(*report.eager);
  EXPECT_TRUE(differing.empty()) << absl::StrJoin(differing, "\n");
  std::cout << "storm: " << kActs << " acts, " << report.revisions << " revisions in "
            << absl::FormatDuration(report.duration) << ", " << report.resumes << " resumes, "
            << report.resyncs << " resyncs\n";
}

}  // namespace
}  // namespace sasd::testing
