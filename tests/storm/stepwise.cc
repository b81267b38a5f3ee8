#include "tests/storm/stepwise.h"

#include <algorithm>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "daemon/registry/fake_pump.h"
#include "daemon/registry/registry.h"
#include "driver/base/fake_clock.h"
#include "driver/discovery/hba.h"
#include "emulator/emulator.h"
#include "tests/lifetime/stepped_pci_ioc.h"
#include "tests/storm/apart.h"
#include "tests/storm/judging_sink.h"
#include "tests/storm/shrink.h"
#include "tests/support/chaos.h"
#include "tests/support/random_fabric.h"
#include "tests/support/truth_check.h"

namespace sasd::testing {
namespace {

using discovery::Attach;
using discovery::Hba;
using lifetime::SteppedPciIoc;
using Kind = Step::Kind;

// Limits: a storm that is not at rest after these never ends.
constexpr int kMostSteps = 100'000, kMostRounds = 2'000;
// mpi::DeviceStatusReason: the firmware's internal reset of a device begins, and ends.
constexpr uint8_t kResetBegins = 0x08, kResetEnds = 0x0E;

// Calls `before` ahead of each request.
class InterruptedTransport : public transport::IocTransport {
 public:
  InterruptedTransport(transport::IocTransport& inner, std::function<void()> before)
      : inner_(inner), before_(std::move(before)) {}

  transport::IocInfo Info() const override { return inner_.Info(); }
  absl::Status Submit(const transport::IocRequest& request, Completion done) override {
    before_();
    return inner_.Submit(request, std::move(done));
  }
  absl::StatusOr<transport::IocReply> Execute(const transport::IocRequest& request) override {
    before_();
    return inner_.Execute(request);
  }
  void SetListener(transport::IocListener* listener) override { inner_.SetListener(listener); }
  absl::Status Reset() override { return inner_.Reset(); }

 private:
  transport::IocTransport& inner_;
  const std::function<void()> before_;
};

// One host's driver.
struct Host {
  struct InFlight {
    Attach attach;
    enum { kBegun, kAsking, kAsked } stage = kBegun;
  };

  size_t number = 0;
  SteppedPciIoc* pci = nullptr;  // null: in-process
  std::unique_ptr<JudgingSink> sink;
  std::unique_ptr<InterruptedTransport> transport;
  std::unique_ptr<Hba> hba;
  std::list<InFlight> attaches;
  bool working = false;  // a step of the worker is running
};

class World {
 public:
  World(const Script& script, std::ostream* log, Path path)
      : script_(script), log_(log), path_(path), registry_({"00000000000000aa", 0}) {}

  StepwiseReport Run() {
    Check("the drivers start", Start());
    for (at_ = 0; at_ < script_.steps.size() && report_.failure.empty(); ++at_) {
      const Step& step = script_.steps[at_];
      if (!IsPossible(step, path_)) continue;
      if (step.inside != 0) {
        nested_.push_back(step);
        continue;
      }
      requests_ = 0;
      Do(step);
      CheckLegal();
      (void)registry_.TakeEvents();
    }
    Stop();
    return std::move(report_);
  }

 private:
  // Records the first broken promise.
  void Check(absl::string_view promise, const std::string& wrong) {
    if (wrong.empty() || !report_.failure.empty()) return;
    report_.promise = std::string(promise);
    report_.failure = absl::StrCat("broken at step ", at_ + 1, ": ", promise, ": ", wrong);
  }

  std::string Start() {
    const emulator::FabricSpec fabric = RandomFabric(script_.fabric_seed);
    emulator::EmulatorOptions options;
    if (path_ == Path::kPci) {
      options.make_front_end = [&](emulator::VirtualHba& hba, uint32_t host) {
        iocs_.push_back(std::make_unique<SteppedPciIoc>());
        return iocs_.back()->Plug(hba, clock_, fabric.hosts[host].generation);
      };
    }
    auto emulator = emulator::Emulator::Create(fabric, options, clock_);
    if (!emulator.ok()) return std::string(emulator.status().message());
    emulator_ = *std::move(emulator);
    for (size_t i = 0; i < emulator_->host_count(); ++i) {
      auto host = std::make_unique<Host>();
      host->number = i;
      host->sink = std::make_unique<JudgingSink>(registry_, log_);
      if (path_ == Path::kPci) {
        host->pci = iocs_[i].get();
        if (absl::Status s = host->pci->Start(clock_, 1 + 7 * (i % 2)); !s.ok()) {
          return std::string(s.message());
        }
      }
      host->transport = std::make_unique<InterruptedTransport>(
          host->pci == nullptr ? emulator_->transport(i)
                               : static_cast<transport::IocTransport&>(*host->pci),
          [this] { BeforeRequest(); });
      host->hba = std::make_unique<Hba>(*host->transport, clock_, *host->sink, [](Hba::Caller) {});
      hosts_.push_back(std::move(host));
      if (absl::Status s = hosts_.back()->hba->Start(); !s.ok()) return std::string(s.message());
    }
    return "";
  }

  void Stop() {
    for (const auto& host : hosts_) {
      host->attaches.clear();
      report_.events += host->hba->arrival().received();
      report_.resets += host->hba->arrival().epoch();
      host->hba->Stop();
      report_.digest = report_.digest * 31 + host->sink->digest();
      if (const size_t n = host->hba->live_objects(); n != 0) {
        Check("every object is freed", absl::StrCat(n, " live after Stop()"));
      }
      if (host->pci == nullptr) continue;
      host->pci->Stop();
      Check("the IOC is handed back",
            host->pci->slot().ioc_state() == mpi::IocState::kReady ? "" : "it is not READY");
      Check("the IOC keeps to the arena", host->pci->violations());
    }
  }

  // A transport's own context is not interrupted by what waits for its steps.
  bool IsInContext() const {
    return std::any_of(iocs_.begin(), iocs_.end(),
                       [](const auto& ioc) { return ioc->in_context(); });
  }

  // What the functions have to say.
  void Deliver() {
    for (const auto& host : hosts_) {
      if (host->pci != nullptr) host->pci->Deliver();
    }
  }

  void BeforeRequest() {
    ++requests_;
    if (IsInContext()) return;
    while (!nested_.empty()) {
      const auto due = std::find_if(nested_.begin(), nested_.end(),
                                    [this](const Step& step) { return step.inside <= requests_; });
      if (due == nested_.end()) return;
      const Step step = std::move(*due);
      nested_.erase(due);
      Do(step);
    }
  }

  Host* Find(const std::string& id) {
    for (const auto& host : hosts_) {
      if (emulator_->HostId(host->number) == id) return host.get();
    }
    return nullptr;
  }

  // Does a step. A step that is impossible now does nothing, so that scripts can be shortened.
  void Do(const Step& step) {
    if (log_ != nullptr) *log_ << ToString(step) << "\n";
    DoWithout(step);
    Deliver();
  }

  void DoWithout(const Step& step) {
    if (step.kind == Kind::kQuiet) return ComeToRest();
    if (step.kind == Kind::kAdvance) {
      clock_.Advance(absl::Milliseconds(step.a));
      emulator_->RunTimers();
      return;
    }
    if (step.kind == Kind::kDeviceStatus && step.a == kResetBegins) in_reset_.insert(step.element);
    if (step.kind < Kind::kCredit) return (void)Perform(step, emulator_->fabric());
    Host* const host = Find(step.element);
    if (host != nullptr) DoOn(*host, step);
  }

  void DoOn(Host& host, const Step& step) {
    switch (step.kind) {
      case Kind::kCredit:
        return emulator_->transport(host.number).SetRequestCredit(std::max(step.a, 1u));
      case Kind::kWork:
        for (uint32_t i = 0; i < step.a && Work(host); ++i) {
        }
        return;
      case Kind::kAttach:
        (void)host.hba->RunAttachStep();
        return;
      case Kind::kAttachBegin:
        if (auto attach = host.hba->attacher().Begin())
          host.attaches.push_back({*std::move(attach)});
        return;
      case Kind::kAttachAsk:
        return Ask(host);
      case Kind::kAttachEnd:
        return End(host);
      case Kind::kRescan:
        return host.hba->Rescan();
      default:
        return;
    }
  }

  // Worker steps run one at a time.
  bool Work(Host& host) {
    if (host.working) return false;
    host.working = true;
    const bool more = host.hba->RunWorkerStep();
    host.working = false;
    return more;
  }

  void Ask(Host& host) {
    for (Host::InFlight& flight : host.attaches) {
      if (flight.stage != Host::InFlight::kBegun) continue;
      flight.stage = Host::InFlight::kAsking;
      host.hba->attacher().RunCommands(flight.attach);
      flight.stage = Host::InFlight::kAsked;
      return;
    }
  }

  void End(Host& host) {
    for (auto it = host.attaches.begin(); it != host.attaches.end(); ++it) {
      if (it->stage != Host::InFlight::kAsked) continue;
      Attach attach = std::move(it->attach);
      host.attaches.erase(it);
      return host.hba->attacher().Complete(std::move(attach));
    }
  }

  void ComeToRest() {
    const bool nested =
        std::any_of(hosts_.begin(), hosts_.end(), [](const auto& host) { return host->working; });
    if (nested) return;
    for (const Step& step : std::exchange(nested_, {})) Do(step);
    for (const auto& host : hosts_) {
      while (!host->attaches.empty()) {
        Ask(*host);
        End(*host);
      }
    }
    for (const std::string& device : std::exchange(in_reset_, {})) {
      (void)emulator_->fabric().InjectDeviceStatus(device, kResetEnds);
    }
    std::string unfinished;
    for (int round = 0; round < kMostRounds; ++round) {
      absl::Duration due = emulator_->RunTimers();
      Deliver();
      unfinished = RunAll();
      if (!report_.failure.empty()) return;
      for (const auto& host : hosts_) {
        due = std::min({due, host->hba->NextWorkerDue(), host->hba->NextAttachDue()});
        if (host->pci != nullptr && (host->pci->HasNews() || host->pci->IsLeftUnnoticed())) {
          due = clock_.Monotonic();
        }
      }
      if (due == absl::InfiniteDuration()) {
        if (Nudge()) continue;
        if (unfinished.empty()) return Compare();
        return Check("everything ends", unfinished + Differences());
      }
      clock_.Advance(std::max(due - clock_.Monotonic(), absl::ZeroDuration()));
    }
    Check("everything ends", absl::StrCat("no rest after ", kMostRounds, " rounds: ", unfinished));
  }

  // Releases events that faults hold back. False if there are none.
  bool Nudge() {
    bool nudged = false;
    for (const auto& host : hosts_) {
      if (!emulator_->hba(host->number).events_in_trouble()) continue;
      nudged = true;
      (void)emulator_->fabric().InjectLogEntry(emulator_->HostId(host->number), 0, "nudge");
    }
    return nudged;
  }

  // Runs all steps that are due. Returns the unfinished work.
  std::string RunAll() {
    std::string unfinished;
    for (const auto& host : hosts_) {
      int steps = 0;
      while (steps++ < kMostSteps && (Work(*host) || host->hba->RunAttachStep())) {
      }
      if (steps >= kMostSteps) Check("everything ends", "steps without end");
      absl::StrAppend(&unfinished, host->hba->Unfinished());
    }
    return unfinished;
  }

  std::string Differences() const {
    std::string lines;
    for (const auto& host : hosts_) {
      for (const std::string& line :
           DifferencesFromTruth(*registry_.Snapshot(), emulator_->Truth(host->number))) {
        absl::StrAppend(&lines, "\n", line);
      }
    }
    return lines;
  }

  void Compare() {
    Check("the registry equals the fabric", Differences());
    for (const auto& host : hosts_) {
      Check("the table is sound", host->hba->devices().CheckInvariants());
      const size_t held = emulator_->hba(host->number).unacknowledged_events();
      if (held != 0) Check("events are acknowledged", absl::StrCat(held, " are not"));
    }
    for (const registry::UnsettledHost& host : registry_.Unsettled({})) {
      Check("the registry is settled", host.reason);
    }
  }

  void CheckLegal() {
    for (const auto& host : hosts_) Check("observations are legal", host->sink->illegal());
  }

  const Script& script_;
  std::ostream* const log_;
  const Path path_;
  StepwiseReport report_;
  size_t at_ = 0;
  FakeClock clock_;
  registry::SelfPublishingRegistry registry_;
  std::vector<std::unique_ptr<SteppedPciIoc>> iocs_;  // by host; empty: in-process
  std::unique_ptr<emulator::Emulator> emulator_;
  std::vector<std::unique_ptr<Host>> hosts_;
  std::vector<Step> nested_;        // steps that wait for a request of another step
  std::set<std::string> in_reset_;  // drives that the firmware is resetting
  uint32_t requests_ = 0;           // since the last step that is not nested began
};

}  // namespace

Script MakeStepwiseScript(uint64_t seed, int steps) {
  ChaosShares shares;
  shares.phy = 230;
  shares.host_phy = 20;
  shares.expander = 50;
  shares.enclosure = 20;
  shares.firmware = 120;
  shares.notice = 50;
  shares.host_reset = 20;
  shares.ioc_fault = 15;
  Script script;
  script.fabric_seed = seed;
  const emulator::FabricSpec fabric = RandomFabric(seed);
  Chaos chaos(seed, shares, fabric);
  Random random(~seed);
  for (int i = 0; i < steps; ++i) {
    Step step;
    step.element = fabric.hosts[random.Below(fabric.hosts.size())].id;
    const size_t at = random.Below(100);
    if (at < 30) {
      step = chaos.Next();
    } else if (at < 62) {
      step.kind = Kind::kWork;
      step.a = static_cast<uint32_t>(1 + random.Below(4));
    } else if (at < 68) {
      step.kind = Kind::kAttach;
    } else if (at < 75) {
      step.kind = Kind::kAttachBegin;
    } else if (at < 83) {
      step.kind = Kind::kAttachAsk;
    } else if (at < 91) {
      step.kind = Kind::kAttachEnd;
    } else if (at < 96) {
      static constexpr uint32_t kTimes[] = {10, 100, 300, 1'000, 5'000};
      step = Step();
      step.kind = Kind::kAdvance;
      step.a = kTimes[random.Below(std::size(kTimes))];
    } else if (at < 97) {
      step.kind = Kind::kCredit;
      step.a = static_cast<uint32_t>(random.OneIn(2) ? 1 + random.Below(3) : 100);
    } else if (at < 98) {
      step.kind = Kind::kRescan;
      if (random.OneIn(2)) {
        step.kind = Kind::kDeviceStatus;
        step.element =
            fabric.devices.empty() ? "" : fabric.devices[random.Below(fabric.devices.size())].id;
        step.a = kResetBegins;
      }
    } else {
      step = Step();
    }
    if (step.kind != Kind::kQuiet && random.OneIn(3)) {
      step.inside = static_cast<uint32_t>(1 + random.Below(16));
    }
    script.steps.push_back(std::move(step));
  }
  script.steps.emplace_back();
  return script;
}

StepwiseReport RunStepwise(const Script& script, std::ostream* log, Path path) {
  return World(script, log, path).Run();
}

StepwiseReport RunStepwiseApart(const Script& script, Path path) {
  const auto run = [&script, path](Say say) {
    const StepwiseReport report = RunStepwise(script, nullptr, path);
    say(report.promise);
    return report.failure;
  };
  const Outcome outcome = RunApart(run, kMostStepwiseTime);
  StepwiseReport report;
  if (outcome.failure.empty()) return report;
  report.failure = outcome.failure;
  report.promise = outcome.said;
  if (report.promise.empty()) {
    report.promise = outcome.failure;
    absl::StrAppend(&report.failure, "\n", outcome.errors);
  }
  return report;
}

Script ShortestOf(const Script& script, Path path) {
  const std::string promise = RunStepwiseApart(script, path).promise;
  Script shorter = script;
  shorter.steps = Shrink(script.steps, [&](const std::vector<Step>& steps) {
    Script candidate = script;
    candidate.steps = steps;
    return RunStepwiseApart(candidate, path).promise == promise;
  });
  return shorter;
}

}  // namespace sasd::testing
