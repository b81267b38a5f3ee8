// Storms on some 10,000 devices with the drivers' own threads, until the firmware has delivered so
// many events in all. Each is of a seed: the fabric, and what happens to it. At every quiet point
// the registry is held against the fabric, and each subscriber against the registry; at the end
// every object of the drivers must be freed. Each is done in a process of its own, so that one that
// fails is kept as a script whatever it failed of, made shorter as far as the time allows, and can
// be done again (--replay): with the same fabric and steps, but in whatever order the threads run.
// What needs one order is stepwise.h.
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
// The most that a segment may take; on a slow machine with a sanitizer it is some minutes.
constexpr absl::Duration kMostTime = absl::Minutes(20);
// A storm of a thousand steps takes a second or more: what is tried must be few.
constexpr int kShrinkTries = 100;
constexpr absl::Duration kShrinkTime = absl::Minutes(15);

// A system on the fabric of a seed, and what is wrong with it.
class Weather {
 public:
  Weather(uint64_t seed, int subscribers) : seed_(seed) { options_.subscribers = subscribers; }

  // Empty, or what is wrong. `fabric` as after RandomLargeFabric() or RandomFabric().
  std::string Start(emulator::FabricSpec fabric) {
    watch::WatchLog::Options log;
    // So that the stalled ones fall behind, and others seldom: a snapshot of 10,000 devices takes
    // longer than a thousand events.
    log.max_events = 8'000;
    log.max_bytes = 64 << 20;
    auto system = System::Start(std::move(fabric), seed_, log);
    if (!system.ok()) return std::string(system.status().message());
    system_ = *std::move(system);
    for (size_t i = 0; i < system_->backend().emulator().host_count(); ++i) {
      devices_ += system_->backend().emulator().Truth(i).devices.size();
    }
    return "";
  }

  // Steps until a quiet point.
  std::string Do(const std::vector<Step>& steps) {
    System& s = *system_;
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
  StormOptions options_;
  std::unique_ptr<System> system_;
  uint64_t devices_ = 0, segments_ = 0;
};

// The steps up to the next quiet point, after so many events; nullopt: the storm is over.
using NextSegment = absl::FunctionRef<std::optional<std::vector<Step>>(uint64_t events)>;

// Runs a storm. Empty, or what was wrong. Says the result ahead of each segment, and at the end.
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

// Runs a script, a segment up to each Step::kQuiet.
Outcome RunScript(const Script& script, int subscribers) {
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
    return Run(Weather(seed, subscribers),
               script.large ? RandomLargeFabric(seed) : RandomFabric(seed), next, say);
  };
  return RunApart(run, kMostTime);
}

void Explain(const Script& script, const Outcome& outcome, int subscribers) {
  const std::string name = absl::StrCat("lifetime-", script.fabric_seed);
  std::cout << "seed " << script.fabric_seed << ": " << outcome.failure
            << "\nIn full: " << WriteScript(name, script) << std::endl;
  Script shorter = script;
  const absl::Time deadline = absl::Now() + kShrinkTime;
  const auto fails = [&](const std::vector<Step>& steps) {
    if (absl::Now() > deadline) return false;
    Script candidate = script;
    candidate.steps = steps;
    return !RunScript(candidate, subscribers).failure.empty();
  };
  shorter.steps = Shrink(script.steps, fails, kShrinkTries);
  std::cout << shorter.steps.size() << " of " << script.steps.size()
            << " steps suffice: " << WriteScript(name + "-short", shorter) << "\n";
}

int Replay(const std::string& path, int subscribers) {
  const absl::StatusOr<Script> script = ReadScript(path);
  if (!script.ok()) {
    std::cerr << script.status().message() << "\n";
    return 2;
  }
  const Outcome outcome = RunScript(*script, subscribers);
  std::cerr << outcome.errors;
  std::cout << (outcome.failure.empty() ? "nothing was wrong" : outcome.failure) << "\n";
  return outcome.failure.empty() ? 0 : 1;
}

// A walk over 10,000 devices takes longer than a thousand steps: few of what calls for one.
ChaosShares Shares() {
  ChaosShares shares;
  shares.firmware = 2;
  shares.notice = 50;
  return shares;
}

// What a seed makes happen on its fabric, segment by segment.
class Forecast {
 public:
  Forecast(uint64_t seed, size_t segment)
      : seed_(seed),
        segment_(segment),
        fabric_(RandomLargeFabric(seed)),
        chaos_(seed, Shares(), fabric_),
        random_(~seed) {}

  const emulator::FabricSpec& fabric() const { return fabric_; }

  // The steps of the next segment, and in the midst of them a reset of a host and a fault of its
  // IOC.
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
  CLI::App app("Storms with threads on 10,000 devices, or one that is done again");
  uint64_t first = 1, seeds = 4, events = 1'000'000;
  size_t segment = 20'000;
  int subscribers = 6;  // one of every temper, two slow and restless ones
  std::string replay;
  app.add_option("--first", first, "The first seed")->capture_default_str();
  app.add_option("--seeds", seeds, "How many seeds")->capture_default_str();
  app.add_option("--events", events, "How many events in all")->capture_default_str();
  app.add_option("--segment", segment, "Steps between quiet points")->capture_default_str();
  app.add_option("--subscribers", subscribers)->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--replay", replay, "A file with a script, to be done instead");
  CLI11_PARSE(app, argc, argv);
  if (!replay.empty()) return Replay(replay, subscribers);

  std::vector<StormResult> results;
  for (uint64_t seed = first; seed < first + seeds; ++seed) {
    const absl::Time start = absl::Now();
    Forecast forecast(seed, segment);
    const auto next = [&](uint64_t so_far) -> std::optional<std::vector<Step>> {
      if (so_far >= events / seeds) return std::nullopt;
      return forecast.Next();
    };
    const auto run = [&](Say say) {
      return Run(Weather(seed, subscribers), forecast.fabric(), next, say);
    };
    const Outcome outcome = RunApart(run, kMostTime);
    std::cerr << outcome.errors;
    const std::vector<StormResult> said = ResultsOf(outcome);
    if (!outcome.failure.empty()) {
      // The child has moved on in its own forecast, not in this one.
      Explain(forecast.ToScript(said.size()), outcome, subscribers);
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
