// Storms on some 10,000 devices with the drivers' own threads, until the firmware has delivered
// --events events in all. A seed gives the fabric and the acts. At every quiet point the registry
// must equal the fabric, and each subscriber the registry. At the end every object of the drivers
// must be freed.
//
// Each storm has a process of its own. A failing storm is written as a script, is shortened as far
// as the time allows, and can be replayed (--replay). A replay has the same fabric and steps, but
// the order of the threads varies. stepwise.h has storms with a fixed order.
#include <algorithm>
#include <iostream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/storm/apart.h"
#include "tests/storm/log_feed.h"
#include "tests/storm/shrink.h"
#include "tests/storm/storm.h"
#include "tests/storm/storm_result.h"
#include "tests/storm/system.h"
#include "tests/support/chaos.h"
#include "tests/support/random.h"
#include "tests/support/random_fabric.h"

namespace sasd::testing {
namespace {

constexpr absl::Duration kTimeout = absl::Minutes(5);
// The time limit of a segment. On a slow machine with a sanitizer it takes some minutes.
constexpr absl::Duration kMostTime = absl::Minutes(20);
// A storm of a thousand steps takes a second or more, so that few tries are possible.
constexpr int kShrinkTries = 100;
constexpr absl::Duration kShrinkTime = absl::Minutes(15);

// What is the same for all storms of a run.
struct Setup {
  int subscribers = 6;  // one eager, one stalled, two slow, two restless
  Path path = Path::kInProcess;
};

// A system on the fabric of a seed, and its checks.
class Weather {
 public:
  Weather(uint64_t seed, const Setup& setup) : seed_(seed), path_(setup.path) {
    options_.subscribers = setup.subscribers;
  }

  // Returns the failure; empty: none. `fabric` is of RandomLargeFabric() or RandomFabric().
  std::string Start(emulator::FabricSpec fabric) {
    watch::WatchLog::Options log;
    // Stalled subscribers fall behind, others seldom do: a snapshot of 10,000 devices takes longer
    // than a thousand events.
    log.max_events = 8'000;
    log.max_bytes = 64 << 20;
    auto system = System::Start(std::move(fabric), seed_, log, path_);
    if (!system.ok()) return std::string(system.status().message());
    system_ = *std::move(system);
    for (size_t i = 0; i < system_->backend().emulator().host_count(); ++i) {
      devices_ += system_->backend().emulator().Truth(i).devices.size();
    }
    return "";
  }

  // Runs steps up to a quiet point. Returns the failures; empty: none.
  std::string Do(std::vector<Step> steps) {
    System& s = *system_;
    steps.erase(std::remove_if(steps.begin(), steps.end(),
                               [this](const Step& step) { return !IsPossible(step, path_); }),
                steps.end());
    std::vector<std::string> wrong;
    const StormTarget target{
        s.backend().emulator(),
        [&s](const std::string& token) { return LogFeed::Open(s.log(), token); },
        [&s, &wrong] {
          const auto revision = Settle(s.backend(), s.registry(), kTimeout);
          if (!revision.ok()) wrong.emplace_back(revision.status().message());
          return revision.value_or(0);
        },
        [&s] { Nudge(s.backend()); }};
    options_.seed = seed_ * 1'000 + segments_++;
    const StormReport report = RunStorm(options_, steps, target);
    wrong.insert(wrong.end(), report.errors.begin(), report.errors.end());
    for (std::string& line : DifferencesFromFabric(s.backend(), s.registry())) {
      wrong.push_back(std::move(line));
    }
    for (std::string& line : MirrorOf(s.registry()).Differences(*report.eager)) {
      wrong.push_back("registry and subscribers: " + std::move(line));
    }
    if (std::string illegal = s.illegal(); !illegal.empty()) wrong.push_back(std::move(illegal));
    return absl::StrJoin(wrong, "\n");
  }

  std::string Stop() {
    const size_t live = system_->Stop();
    return live == 0 ? "" : absl::StrCat(live, " objects live after Stop()");
  }

  // After Start().
  StormResult result() const {
    return {seed_, system_->events_received(), devices_, system_->resets()};
  }

 private:
  const uint64_t seed_;
  const Path path_;
  StormOptions options_;
  std::unique_ptr<System> system_;
  uint64_t devices_ = 0, segments_ = 0;
};

// Returns the steps up to the next quiet point; nullopt: the storm is over. `events` is the number
// of events so far.
using NextSegment = absl::FunctionRef<std::optional<std::vector<Step>>(uint64_t events)>;

// Runs a storm. Returns the failure; empty: none. Says the result before each segment and at the
// end.
std::string Run(Weather weather, emulator::FabricSpec fabric, NextSegment next, Say say) {
  std::string wrong = weather.Start(std::move(fabric));
  while (wrong.empty()) {
    const std::optional<std::vector<Step>> steps = next(weather.result().events);
    if (!steps.has_value()) break;
    SayResult(weather.result(), say);
    wrong = weather.Do(*steps);
  }
  if (wrong.empty()) wrong = weather.Stop();
  if (wrong.empty()) SayResult(weather.result(), say);
  return wrong;
}

// Runs a script. Each Step::kQuiet ends a segment.
Outcome RunScript(const Script& script, const Setup& setup) {
  auto at = script.steps.begin();
  const auto next = [&](uint64_t) -> std::optional<std::vector<Step>> {
    if (at == script.steps.end()) return std::nullopt;
    const auto begin = at;
    at = std::find_if(begin, script.steps.end(),
                      [](const Step& step) { return step.kind == Step::Kind::kQuiet; });
    std::vector<Step> segment(begin, at);
    if (at != script.steps.end()) ++at;
    return segment;
  };
  const uint64_t seed = script.fabric_seed;
  const auto run = [&](Say say) {
    return Run(Weather(seed, setup), script.large ? RandomLargeFabric(seed) : RandomFabric(seed),
               next, say);
  };
  return RunApart(run, kMostTime);
}

void Explain(const Script& script, const Outcome& outcome, const Setup& setup) {
  const std::string name = absl::StrCat("lifetime-", script.fabric_seed);
  std::cout << "seed " << script.fabric_seed << ": " << outcome.failure
            << "\nFull script: " << WriteScript(name, script) << std::endl;
  Script shorter = script;
  const absl::Time deadline = absl::Now() + kShrinkTime;
  const auto fails = [&](const std::vector<Step>& steps) {
    if (absl::Now() > deadline) return false;
    Script candidate = script;
    candidate.steps = steps;
    return !RunScript(candidate, setup).failure.empty();
  };
  shorter.steps = Shrink(script.steps, fails, kShrinkTries);
  std::cout << shorter.steps.size() << " of " << script.steps.size()
            << " steps fail, too: " << WriteScript(name + "-short", shorter) << "\n";
}

int Replay(const std::string& path, const Setup& setup) {
  const absl::StatusOr<Script> script = ReadScript(path);
  if (!script.ok()) {
    std::cerr << script.status().message() << "\n";
    return 2;
  }
  const Outcome outcome = RunScript(*script, setup);
  std::cerr << outcome.errors;
  std::cout << (outcome.failure.empty() ? "passed" : outcome.failure) << "\n";
  return outcome.failure.empty() ? 0 : 1;
}

// A walk over 10,000 devices takes longer than a thousand steps, so acts that cause walks are rare.
ChaosShares Shares() {
  ChaosShares shares;
  shares.firmware = 2;
  shares.notice = 50;
  return shares;
}

// The acts of a seed on its fabric, segment by segment.
class Forecast {
 public:
  Forecast(uint64_t seed, size_t segment)
      : seed_(seed),
        segment_(segment),
        fabric_(RandomLargeFabric(seed)),
        chaos_(seed, Shares(), fabric_),
        random_(~seed) {}

  const emulator::FabricSpec& fabric() const { return fabric_; }

  // The steps of the next segment, among them a host reset and an IOC fault.
  std::vector<Step> Next() {
    std::vector<Step> steps = chaos_.Take(segment_);
    for (const Step::Kind kind : {Step::Kind::kReset, Step::Kind::kIocFault}) {
      Step step;
      step.kind = kind;
      step.element = fabric_.hosts[random_.Below(fabric_.hosts.size())].id;
      if (kind == Step::Kind::kIocFault) step.a = static_cast<uint32_t>(random_.Below(20));
      steps.insert(steps.begin() + static_cast<ptrdiff_t>(random_.Below(segment_)), step);
    }
    return steps;
  }

  // The next `segments` as a script.
  Script ToScript(size_t segments) {
    Script script;
    script.large = true;
    script.fabric_seed = seed_;
    for (; segments > 0; --segments) {
      const std::vector<Step> steps = Next();
      script.steps.insert(script.steps.end(), steps.begin(), steps.end());
      script.steps.emplace_back();  // quiet
    }
    return script;
  }

 private:
  const uint64_t seed_;
  const size_t segment_;
  const emulator::FabricSpec fabric_;
  Chaos chaos_;
  Random random_;
};

int Main(int argc, char** argv) {
  CLI::App app("Run storms with threads on 10,000 devices, or replay a script");
  uint64_t first = 1, seeds = 4, events = 1'000'000;
  size_t segment = 20'000;
  Setup setup;
  bool pci = false;
  std::string replay;
  app.add_option("--first", first, "The first seed")->capture_default_str();
  app.add_option("--seeds", seeds, "Number of seeds")->capture_default_str();
  app.add_option("--events", events, "Number of events in all")->capture_default_str();
  app.add_option("--segment", segment, "Steps between quiet points")->capture_default_str();
  app.add_option("--subscribers", setup.subscribers, "Number of subscribers")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_flag("--pci", pci, "Drive the HBAs as PCI functions, not in the same process");
  app.add_option("--replay", replay, "Replay this script file instead");
  CLI11_PARSE(app, argc, argv);
  if (pci) setup.path = Path::kPci;
  if (!replay.empty()) return Replay(replay, setup);

  std::vector<StormResult> results;
  for (uint64_t seed = first; seed < first + seeds; ++seed) {
    const absl::Time start = absl::Now();
    Forecast forecast(seed, segment);
    const auto next = [&](uint64_t so_far) -> std::optional<std::vector<Step>> {
      if (so_far >= events / seeds) return std::nullopt;
      return forecast.Next();
    };
    const auto run = [&](Say say) {
      return Run(Weather(seed, setup), forecast.fabric(), next, say);
    };
    const Outcome outcome = RunApart(run, kMostTime);
    std::cerr << outcome.errors;
    const std::vector<StormResult> said = ResultsOf(outcome);
    if (!outcome.failure.empty()) {
      // The child advanced its own copy of the forecast; this one is at its start.
      Explain(forecast.ToScript(said.size()), outcome, setup);
      return 1;
    }
    const StormResult& result = results.emplace_back(said.back());
    const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
    std::cout << absl::StrFormat(
                     "seed %d: %d events on %d devices, %d segments, %d resets in %.1f s (%.0f/s)",
                     seed, result.events, result.devices, said.size() - 1, result.resets, seconds,
                     static_cast<double>(result.events) / seconds)
              << std::endl;
  }
  WriteResults(results);
  return 0;
}

}  // namespace
}  // namespace sasd::testing

int main(int argc, char** argv) { return sasd::testing::Main(argc, argv); }
