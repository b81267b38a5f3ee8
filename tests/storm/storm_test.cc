// The storm beneath gRPC, for ThreadSanitizer. storm_grpc_test runs it over the socket.
#include "tests/storm/storm.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/config.h"
#include "absl/strings/str_join.h"
#include "emulator/fabric/fabric_builder.h"
#include "gtest/gtest.h"
#include "tests/storm/log_feed.h"
#include "tests/storm/system.h"
#include "tests/support/chaos.h"

namespace sasd::testing {
namespace {

constexpr absl::Duration kTimeout = absl::Minutes(5);

// A sanitizer gets a smaller storm: snapshots would take most of the time.
#if defined(ABSL_HAVE_ADDRESS_SANITIZER) || defined(ABSL_HAVE_THREAD_SANITIZER)
constexpr int kActs = 500, kDevicesPerExpander = 20;
#else
constexpr int kActs = 2'000, kDevicesPerExpander = 50;
#endif

struct Kind {
  uint64_t seed = 0;
  Path path = Path::kInProcess;
};

class StormTest : public ::testing::TestWithParam<Kind> {};

TEST_P(StormTest, EverySubscriberEndsWithTheFabricsTruth) {
  watch::WatchLog::Options log;
  log.max_events = 500;  // makes the stalled subscribers fall behind
  emulator::SyntheticFabricOptions fabric;
  fabric.hosts = 2;
  fabric.expanders_per_host = 10;
  fabric.devices_per_expander = kDevicesPerExpander;
  absl::StatusOr<std::unique_ptr<System>> system =
      System::Start(emulator::SyntheticFabric(fabric), 7, log, GetParam().path);
  ASSERT_TRUE(system.ok()) << system.status();
  System& s = **system;

  StormOptions options;
  options.subscribers = 100;
  options.seed = GetParam().seed;
  ChaosShares shares;
  shares.host_reset = 1;
  Chaos chaos(options.seed, shares, FabricOf(s.backend()));
  std::vector<Step> steps = chaos.Take(kActs);
  steps.erase(std::remove_if(steps.begin(), steps.end(),
                             [](const Step& step) { return !IsPossible(step, GetParam().path); }),
              steps.end());
  StormTarget target{s.backend().emulator(),
                     [&s](const std::string& token) { return LogFeed::Open(s.log(), token); },
                     [&s] {
                       const absl::StatusOr<int64_t> revision =
                           Settle(s.backend(), s.registry(), kTimeout);
                       EXPECT_TRUE(revision.ok()) << revision.status();
                       return revision.value_or(0);
                     },
                     [&s] { Nudge(s.backend()); }};
  const StormReport report = RunStorm(options, steps, target);

  EXPECT_TRUE(report.errors.empty()) << absl::StrJoin(report.errors, "\n");
  EXPECT_GT(report.revisions, kActs / 10);
  EXPECT_GE(report.resyncs, options.subscribers / 10) << "stalled subscribers did not fall behind";
  EXPECT_GT(report.resumes, 0);
  EXPECT_LE(s.log().stats().log_events, log.max_events);
  const std::vector<std::string> wrong = DifferencesFromFabric(s.backend(), s.registry());
  EXPECT_TRUE(wrong.empty()) << absl::StrJoin(wrong, "\n");
  const std::vector<std::string> differing = MirrorOf(s.registry()).Differences(*report.eager);
  EXPECT_TRUE(differing.empty()) << absl::StrJoin(differing, "\n");
  EXPECT_EQ(s.illegal(), "");
  EXPECT_EQ(s.Stop(), 0u) << "objects still live";
}

INSTANTIATE_TEST_SUITE_P(Seeds, StormTest,
                         ::testing::Values(Kind{1}, Kind{2}, Kind{3}, Kind{4, Path::kPci}));

}  // namespace
}  // namespace sasd::testing
