// What it costs to drive an HBA as a PCI function (driver/transport/pci_ioc), on virtual HBAs.
//
// Latency: from an event of the firmware (a drive is pulled or put back) to a subscriber of Watch's
// log, beside sasd at mpt3ctl and sasd on the in-process transport. They take turns with a bare
// wake-up of a thread, the floor. An event wakes the transport's thread, the driver's worker and
// the subscriber; in-process it wakes the subscriber alone. The rule:
//
//   p50 on PCI - p50 in-process <= 2 wake-ups, each at most 3 * p50 of a bare one
//
// Requests: page headers one after the other, and 32 at a time, beside the firmware's own answers
// without any transport. The rule: 32 at a time are at least 1/10 of those.
//
// Idle: processor time with interrupts, without an event. The rule: less than 0.1 %.
//
//   bazel run -c opt //tests/bench:pci_bench
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <thread>  // NOLINT: the floor's
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/base/thread_annotations.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "daemon/watch/encoded_event.h"
#include "driver/base/clock.h"
#include "driver/hba_driver.h"
#include "driver/transport/mpt3ctl/ctl_transport.h"
#include "driver/transport/mpt3ctl/fake_ctl_nodes.h"
#include "driver/transport/pci_ioc/fake_front_end_bus.h"
#include "driver/transport/pci_ioc/pci_ioc_transport.h"
#include "driver/wire/mpi/messages.h"
#include "emulator/emulator.h"
#include "emulator/emulator_runner.h"
#include "emulator/fabric/fabric_builder.h"
#include "tests/memory/event_path.h"
#include "tests/support/fake_kernel.h"

namespace sasd::bench {
namespace {

constexpr absl::Duration kTimeout = absl::Seconds(60);
constexpr size_t kAtATime = 32;

void Check(const absl::Status& status) {
  if (status.ok()) return;
  std::cerr << "pci_bench: " << status << "\n";
  std::exit(1);
}

emulator::FabricSpec Fabric() {
  emulator::SyntheticFabricOptions options;
  options.expanders_per_host = 1;
  options.devices_per_expander = 24;
  emulator::FabricSpec fabric = emulator::SyntheticFabric(options);
  fabric.hosts[0].generation = emulator::MpiGeneration::k2_5;
  return fabric;
}

class NoSink : public ObservationSink {
 public:
  void Observe(ObservationBatch) override {}
};

// A virtual HBA, a way to it, sasd's driver, and the way of its events to a subscriber.
class Subject {
 public:
  virtual ~Subject() = default;

  // From an act to the first event that a subscriber gets of it.
  absl::Duration Act(bool pull) {
    Settle();
    const absl::Duration begin = SystemClock().Monotonic();
    {
      absl::MutexLock lock(&mu_);
      first_.reset();
    }
    const std::string drive = "h0-x000-d005";
    Check(pull ? fabric().Pull(drive) : fabric().Insert(drive).status());
    absl::MutexLock lock(&mu_);
    const auto came = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return first_.has_value(); };
    if (!mu_.AwaitWithTimeout(absl::Condition(&came), kTimeout)) {
      Check(absl::DeadlineExceededError("no event came"));
    }
    return *first_ - begin;
  }

 protected:
  void MakeEmulator(emulator::EmulatorOptions options = {}) {
    auto made = emulator::Emulator::Create(Fabric(), options, SystemClock());
    Check(made.status());
    emulator_ = *std::move(made);
    runner_ = std::make_unique<emulator::EmulatorRunner>(*emulator_, SystemClock());
  }
  void StartDriver(transport::IocTransport& ioc) {
    auto driver = HbaDriver::Start(ioc, SystemClock(), path_.pump());
    Check(driver.status());
    driver_ = *std::move(driver);
    Check(driver_->WaitIdle(kTimeout));
    subscriber_ = std::make_unique<testing::PathSubscriber>(path_, [this](const auto&) {
      const absl::Duration now = SystemClock().Monotonic();
      absl::MutexLock lock(&mu_);
      if (!first_.has_value()) first_ = now;
    });
  }
  void EndDriver() {
    subscriber_.reset();
    driver_.reset();
  }
  // All that has happened has reached the subscriber.
  virtual void Settle() {
    Check(driver_->WaitIdle(kTimeout));
    path_.pump().AwaitPublished();
    if (!subscriber_->Await(path_.registry().committed_revision(), kTimeout)) {
      Check(absl::DeadlineExceededError("an event did not arrive"));
    }
  }
  emulator::VirtualFabric& fabric() { return emulator_->fabric(); }

  testing::EventPath path_{"", 0};
  std::unique_ptr<emulator::Emulator> emulator_;
  std::unique_ptr<emulator::EmulatorRunner> runner_;
  std::unique_ptr<HbaDriver> driver_;

 private:
  absl::Mutex mu_;
  std::optional<absl::Duration> first_ ABSL_GUARDED_BY(mu_) = absl::ZeroDuration();
  std::unique_ptr<testing::PathSubscriber> subscriber_;
};

class InProcess : public Subject {
 public:
  InProcess() {
    MakeEmulator();
    StartDriver(emulator_->transport(0));
  }
  ~InProcess() override { EndDriver(); }
  transport::IocTransport& ioc() { return emulator_->transport(0); }
  emulator::VirtualHba& hba() { return emulator_->hba(0); }
};

// Beside a kernel's driver.
class AtTheControlNode : public Subject {
 public:
  AtTheControlNode() {
    MakeEmulator();
    const mpt3ctl::FakeCtlNodes::Hba hba{"/dev/mpt3ctl", 0};
    auto kernel =
        mpt3ctl::FakeKernel::Start(emulator_->transport(0), nodes_, hba, SystemClock(), kernels_);
    Check(kernel.status());
    kernel_ = *std::move(kernel);
    Check(kernel_->WaitIdle(kTimeout));
    poller_ = std::make_unique<mpt3ctl::CtlPoller>(nodes_);
    mpt3ctl::CtlHost host;
    host.node = hba.first;
    host.ioc_number = hba.second;
    host.driver_name = "mpt3sas";
    mpt3ctl::CtlOptions options;
    options.reset_count = [this] { return kernel_->reset_count(); };
    auto ioc = mpt3ctl::CtlTransport::Create(std::move(host), nodes_, *poller_, SystemClock(),
                                             std::move(options));
    Check(ioc.status());
    ioc_ = *std::move(ioc);
    StartDriver(*ioc_);
  }
  ~AtTheControlNode() override {
    EndDriver();
    ioc_.reset();
    poller_.reset();
    kernel_.reset();
  }

 private:
  void Settle() override {
    Check(kernel_->WaitIdle(kTimeout));
    if (!nodes_.AwaitQuiet()) Check(absl::DeadlineExceededError("a log is not read"));
    Subject::Settle();
  }

  mpt3ctl::FakeCtlNodes nodes_;
  NoSink kernels_;
  std::unique_ptr<mpt3ctl::FakeKernel> kernel_;
  std::unique_ptr<mpt3ctl::CtlPoller> poller_;
  std::unique_ptr<mpt3ctl::CtlTransport> ioc_;
};

class PciFunctionSubject : public Subject {
 public:
  explicit PciFunctionSubject(pci_ioc::InterruptMode interrupts) {
    emulator::EmulatorOptions emulator;
    emulator.make_front_end = [this](emulator::VirtualHba& hba, uint32_t) {
      return slot_.Plug(hba, SystemClock(), emulator::MpiGeneration::k2_5);
    };
    MakeEmulator(std::move(emulator));
    pci_ioc::PciIocOptions options;
    options.interrupts = interrupts;
    auto ioc = pci_ioc::PciIocTransport::Create(
        std::make_unique<pci_ioc::FakeFrontEndBus>(slot_, pci_ioc::FakeFrontEndBus::Options()),
        SystemClock(), std::move(options));
    Check(ioc.status());
    ioc_ = *std::move(ioc);
    StartDriver(*ioc_);
  }
  ~PciFunctionSubject() override {
    EndDriver();
    ioc_.reset();
    runner_.reset();
    emulator_.reset();  // before its slot
  }
  pci_ioc::PciIocTransport& ioc() { return *ioc_; }

 private:
  pci_ioc::FakeSlot slot_;
  std::unique_ptr<pci_ioc::PciIocTransport> ioc_;
};

// A thread that wakes another one.
class WakeUp {
 public:
  WakeUp() : thread_([this] { Run(); }) {}
  ~WakeUp() {
    {
      absl::MutexLock lock(&mu_);
      stop_ = true;
    }
    thread_.join();
  }
  absl::Duration Measure() {
    absl::SleepFor(absl::Milliseconds(1));  // it waits by now
    const absl::Duration begin = SystemClock().Monotonic();
    absl::MutexLock lock(&mu_);
    asked_ = true;
    const auto answered = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return !asked_; };
    mu_.Await(absl::Condition(&answered));
    return woken_ - begin;
  }

 private:
  void Run() {
    absl::MutexLock lock(&mu_);
    while (true) {
      const auto due = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return asked_ || stop_; };
      mu_.Await(absl::Condition(&due));
      if (stop_) return;
      woken_ = SystemClock().Monotonic();
      asked_ = false;
    }
  }

  absl::Mutex mu_;
  bool asked_ ABSL_GUARDED_BY(mu_) = false, stop_ ABSL_GUARDED_BY(mu_) = false;
  absl::Duration woken_ ABSL_GUARDED_BY(mu_);
  std::thread thread_;
};

double Percentile(std::vector<absl::Duration>& times, double part) {
  std::sort(times.begin(), times.end());
  return absl::ToDoubleMicroseconds(
      times[static_cast<size_t>(static_cast<double>(times.size() - 1) * part)]);
}

const char* Verdict(bool holds) { return holds ? "the rule holds" : "THE RULE FAILS"; }

void MeasureLatency(int acts) {
  InProcess in_process;
  AtTheControlNode control_node;
  PciFunctionSubject pci(pci_ioc::InterruptMode::kMsix);
  WakeUp wake_up;
  std::vector<absl::Duration> of_process, of_node, of_pci, of_wake;
  for (int i = -20; i < acts; ++i) {
    const bool pull = i % 2 == 0;
    const absl::Duration a = in_process.Act(pull), b = control_node.Act(pull), c = pci.Act(pull);
    const absl::Duration w = wake_up.Measure();
    if (i < 0) continue;
    of_process.push_back(a);
    of_node.push_back(b);
    of_pci.push_back(c);
    of_wake.push_back(w);
  }
  std::cout << absl::StrFormat("firmware event -> subscriber of Watch, %d events each\n", acts);
  const auto print = [](const char* name, std::vector<absl::Duration>& times) {
    std::cout << absl::StrFormat("  %-24s p50 %6.0f us  p99 %6.0f us\n", name,
                                 Percentile(times, 0.5), Percentile(times, 0.99));
  };
  print("in-process", of_process);
  print("beside mpt3sas (mpt3ctl)", of_node);
  print("PCI function, MSI-X", of_pci);
  print("a bare wake-up", of_wake);
  const double more = Percentile(of_pci, 0.5) - Percentile(of_process, 0.5);
  const double wakes = more / Percentile(of_wake, 0.5);
  std::cout << absl::StrFormat("  PCI / mpt3ctl = %.2f; (PCI - in-process) / wake-up = %.1f; %s\n",
                               Percentile(of_pci, 0.5) / Percentile(of_node, 0.5), wakes,
                               Verdict(wakes <= 6));
}

Bytes HeaderRequest() {
  mpi::ConfigRequest header;
  header.page.ext_type = mpi::ExtPageType::kSasIoUnit;
  return mpi::EncodeConfigRequest(header);
}

// Calls `once` for a second; calls per second.
double PerSecond(const std::function<void()>& once, int calls) {
  const absl::Duration begin = SystemClock().Monotonic();
  int64_t count = 0;
  absl::Duration took;
  do {
    once();
    count += calls;
    took = SystemClock().Monotonic() - begin;
  } while (took < absl::Seconds(1));
  return static_cast<double>(count) / absl::ToDoubleSeconds(took);
}

double OneByOne(transport::IocTransport& ioc) {
  const Bytes frame = HeaderRequest();
  transport::IocRequest request;
  request.frame = frame;
  return PerSecond([&] { Check(ioc.Execute(request).status()); }, 1);
}

// So many at a time.
double AtATime(transport::IocTransport& ioc) {
  const Bytes frame = HeaderRequest();
  transport::IocRequest request;
  request.frame = frame;
  absl::Mutex mu;
  size_t done = 0;
  return PerSecond(
      [&] {
        done = 0;
        for (size_t i = 0; i < kAtATime; ++i) {
          Check(ioc.Submit(request, [&](const absl::StatusOr<transport::IocReply>& reply) {
            Check(reply.status());
            absl::MutexLock lock(&mu);
            ++done;
          }));
        }
        absl::MutexLock lock(&mu);
        const auto all = [&] { return done == kAtATime; };
        mu.Await(absl::Condition(&all));
      },
      kAtATime);
}

void MeasureRequests() {
  InProcess in_process;
  PciFunctionSubject pci(pci_ioc::InterruptMode::kMsix);
  const Bytes frame = HeaderRequest();
  const double firmware = PerSecond([&] { (void)in_process.hba().Request({frame, {}, {}}); }, 1);
  const double of_process = OneByOne(in_process.ioc());
  const double of_pci = OneByOne(pci.ioc()), many = AtATime(pci.ioc());
  std::cout << "page headers per second\n"
            << absl::StrFormat("  the firmware alone       %8.0f\n", firmware)
            << absl::StrFormat("  in-process, one by one   %8.0f\n", of_process)
            << absl::StrFormat("  PCI function, one by one %8.0f\n", of_pci)
            << absl::StrFormat("  PCI function, %d at once %8.0f\n", kAtATime, many)
            << absl::StrFormat("  PCI, %d at once / the firmware alone = %.2f; %s\n", kAtATime,
                               many / firmware, Verdict(many >= firmware / 10));
}

double ProcessorSeconds() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void MeasureIdle(int seconds) {
  std::cout << "processor time of an idle driver\n";
  const auto measure = [seconds](pci_ioc::InterruptMode mode) {
    PciFunctionSubject pci(mode);
    absl::SleepFor(absl::Seconds(1));
    const double begin = ProcessorSeconds();
    absl::SleepFor(absl::Seconds(seconds));
    return 100 * (ProcessorSeconds() - begin) / seconds;
  };
  const double msix = measure(pci_ioc::InterruptMode::kMsix);
  const double intx = measure(pci_ioc::InterruptMode::kIntx);
  const double polling = measure(pci_ioc::InterruptMode::kNone);
  std::cout << absl::StrFormat("  MSI-X %.3f %%, INTx %.3f %%, polling %.3f %%; %s\n", msix, intx,
                               polling, Verdict(msix < 0.1 && intx < 0.1));
}

int Main(int argc, char** argv) {
  CLI::App app("What it costs to drive an HBA as a PCI function");
  int acts = 1'000, idle_s = 10;
  app.add_option("--acts", acts, "Events of each");
  app.add_option("--idle-seconds", idle_s, "How long to be idle in each mode");
  CLI11_PARSE(app, argc, argv);
  MeasureIdle(idle_s);
  MeasureLatency(acts);
  MeasureRequests();
  return 0;
}

}  // namespace
}  // namespace sasd::bench

int main(int argc, char** argv) { return sasd::bench::Main(argc, argv); }
