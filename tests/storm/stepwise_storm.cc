// Runs many short stepwise storms (stepwise.h), one for each seed. Prints the shortest script of a
// failing storm, in the form that --replay accepts.
#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/base/config.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/storm/apart.h"
#include "tests/storm/stepwise.h"
#include "tests/storm/storm_result.h"
#include "tests/support/random_fabric.h"

namespace sasd::testing {
namespace {

int Replay(const std::string& path, Path how, bool shrink, bool log) {
  const absl::StatusOr<Script> script = ReadScript(path);
  if (!script.ok()) {
    std::cerr << script.status().message() << "\n";
    return 2;
  }
  const StepwiseReport report =
      log ? RunStepwise(*script, &std::cout, how) : RunStepwiseApart(*script, how);
  std::cout << path << ": " << (report.failure.empty() ? "passed" : report.failure) << "\n";
  if (!report.failure.empty() && shrink) std::cout << ToString(ShortestOf(*script, how));
  return report.failure.empty() ? 0 : 1;
}

// Prints why the storm of a seed failed, with its shortest script.
void Explain(uint64_t seed, const Script& script, Path how, const std::string& failure) {
  std::cout << "seed " << seed << ": " << failure << "\n";
  if (RunStepwiseApart(script, how).failure.empty()) {
    std::cout << "It passes alone, and failed only after the storms before it.\n";
    return;
  }
  const Script shorter = ShortestOf(script, how);
  std::cout << "\nShortest script: " << RunStepwiseApart(shorter, how).failure << "\n"
            << ToString(shorter)
            << "Full script: " << WriteScript(absl::StrCat("stepwise-", seed), script) << "\n";
}

int Main(int argc, char** argv) {
  CLI::App app("Run stepwise storms, or replay scripts");
  uint64_t first = 1, seeds = 100;
  int steps = 200;
  bool shrink = false, log = false, pci = false;
  std::vector<std::string> replay;
  app.add_option("--first", first, "The first seed")->capture_default_str();
  app.add_option("--seeds", seeds, "Number of seeds")->capture_default_str();
  app.add_option("--steps", steps, "Steps of each storm")->capture_default_str();
  app.add_option("--replay", replay, "Replay these script files instead");
  app.add_flag("--log", log, "With --replay: print each step and each observation");
  app.add_flag("--shrink", shrink, "With --replay: shorten a failing script");
  app.add_flag("--pci", pci, "Drive the HBAs as PCI functions, not in the same process");
  CLI11_PARSE(app, argc, argv);
  const Path how = pci ? Path::kPci : Path::kInProcess;
  // A sanitizer runs a tenth of the storms.
#if defined(ABSL_HAVE_ADDRESS_SANITIZER) || defined(ABSL_HAVE_THREAD_SANITIZER)
  seeds = (seeds + 9) / 10;
#endif
  if (!replay.empty()) {
    int worst = 0;
    for (const std::string& path : replay) worst = std::max(worst, Replay(path, how, shrink, log));
    return worst;
  }

  const absl::Time start = absl::Now();
  const auto run_all = [&](Say say) {
    for (uint64_t seed = first; seed < first + seeds; ++seed) {
      const StepwiseReport report = RunStepwise(MakeStepwiseScript(seed, steps), nullptr, how);
      if (!report.failure.empty()) return report.failure;
      SayResult({seed, report.events, RandomFabric(seed).devices.size(), report.resets}, say);
    }
    return std::string();
  };
  const Outcome outcome = RunApart(run_all, kMostStepwiseTime);
  std::cerr << outcome.errors;
  const std::vector<StormResult> results = ResultsOf(outcome);
  if (results.size() < seeds) {
    const uint64_t seed = first + results.size();
    Explain(seed, MakeStepwiseScript(seed, steps), how, outcome.failure);
    return 1;
  }
  if (!outcome.failure.empty()) {
    std::cout << "after the last storm: " << outcome.failure << "\n";
    return 1;
  }
  uint64_t events = 0;
  for (const StormResult& result : results) events += result.events;
  WriteResults(results);
  std::cout << results.size() << " stepwise storms" << (pci ? " on PCI functions" : "")
            << " from seed " << first << ", " << steps << " steps each, " << events << " events in "
            << absl::FormatDuration(absl::Now() - start) << "\n";
  return 0;
}

}  // namespace
}  // namespace sasd::testing

int main(int argc, char** argv) { return sasd::testing::Main(argc, argv); }
