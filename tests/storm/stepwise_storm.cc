// Many short stepwise storms (stepwise.h), each of a seed. One that fails is made as short as can
// be and printed, in the form that --replay takes.
#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/base/config.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/storm/stepwise.h"
#include "tests/storm/storm_result.h"
#include "tests/support/random_fabric.h"

namespace sasd::testing {
namespace {

int Replay(const std::string& path, bool shrink, bool log) {
  const absl::StatusOr<Script> script = ReadScript(path);
  if (!script.ok()) {
    std::cerr << script.status().message() << "\n";
    return 2;
  }
  const StepwiseReport report = RunStepwise(*script, log ? &std::cout : nullptr);
  std::cout << path << ": " << (report.failure.empty() ? "nothing was wrong" : report.failure)
            << "\n";
  if (!report.failure.empty() && shrink) std::cout << ToString(ShortestOf(*script));
  return report.failure.empty() ? 0 : 1;
}

int Main(int argc, char** argv) {
  CLI::App app("Stepwise storms, or one that is done again");
  uint64_t first = 1, seeds = 100;
  int steps = 200;
  bool shrink = false, log = false;
  std::vector<std::string> replay;
  app.add_option("--first", first, "The first seed")->capture_default_str();
  app.add_option("--seeds", seeds, "How many seeds")->capture_default_str();
  app.add_option("--steps", steps, "Steps of each")->capture_default_str();
  app.add_option("--replay", replay, "Files with a script each, to be done instead");
  app.add_flag("--log", log, "With --replay: print what happens, and what is told");
  app.add_flag("--shrink", shrink, "Make a script that fails shorter");
  CLI11_PARSE(app, argc, argv);
  // Under a sanitizer a tenth of it.
#if defined(ABSL_HAVE_ADDRESS_SANITIZER) || defined(ABSL_HAVE_THREAD_SANITIZER)
  seeds = (seeds + 9) / 10;
#endif
  if (!replay.empty()) {
    int worst = 0;
    for (const std::string& path : replay) worst = std::max(worst, Replay(path, shrink, log));
    return worst;
  }

  std::vector<StormResult> results;
  const absl::Time start = absl::Now();
  uint64_t events = 0;
  for (uint64_t seed = first; seed < first + seeds; ++seed) {
    const Script script = MakeStepwiseScript(seed, steps);
    const StepwiseReport report = RunStepwise(script);
    if (!report.failure.empty()) {
      const Script shorter = ShortestOf(script);
      std::cout << "seed " << seed << ": " << report.failure
                << "\n\nIn short: " << RunStepwise(shorter).failure << "\n"
                << ToString(shorter)
                << "In full: " << WriteScript(absl::StrCat("stepwise-", seed), script) << "\n";
      return 1;
    }
    events += report.events;
    results.push_back({seed, report.events, RandomFabric(seed).devices.size(), report.resets});
  }
  WriteResults(results);
  std::cout << results.size() << " stepwise storms from seed " << first << ", " << steps
            << " steps each, " << events << " events in "
            << absl::FormatDuration(absl::Now() - start) << "\n";
  return 0;
}

}  // namespace
}  // namespace sasd::testing

int main(int argc, char** argv) { return sasd::testing::Main(argc, argv); }
