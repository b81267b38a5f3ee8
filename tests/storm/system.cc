#include "tests/storm/system.h"

#include <algorithm>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "daemon/service/snapshot_reader.h"
#include "driver/base/clock.h"
#include "driver/hba_driver.h"
#include "driver/transport/pci_ioc/fake_front_end_bus.h"
#include "driver/transport/pci_ioc/fake_pacer.h"
#include "driver/transport/pci_ioc/pci_ioc_transport.h"
#include "driver/wire/mpi/messages.h"
#include "emulator/emulator.h"
#include "emulator/emulator_runner.h"
#include "tests/storm/judging_sink.h"
#include "tests/support/truth_check.h"

namespace sasd::testing {
namespace {

// A host that still holds events back after these nudges is in reset, which ends all faults.
constexpr int kMostNudges = 100;

registry::Registry::Options RegistryOptions() {
  registry::Registry::Options options;
  options.epoch = "00000000000000aa";
  return options;
}

// Whether faults hold back events of some host.
bool InTrouble(emulator::Emulator& emulator) {
  for (size_t host = 0; host < emulator.host_count(); ++host) {
    if (emulator.hba(host).events_in_trouble()) return true;
  }
  return false;
}

}  // namespace

void Nudge(VirtualBackend& backend) {
  emulator::Emulator& emulator = backend.emulator();
  for (size_t host = 0; host < emulator.host_count(); ++host) {
    // A host in reset sends no event.
    (void)emulator.fabric().InjectLogEntry(emulator.HostId(host), 0, "nudge");
  }
}

absl::StatusOr<int64_t> Settle(VirtualBackend& backend, registry::Registry& registry,
                               absl::Duration timeout) {
  for (int i = 0; i < kMostNudges && InTrouble(backend.emulator()); ++i) Nudge(backend);
  if (absl::Status s = backend.WaitIdle(timeout); !s.ok()) return s;
  return registry.WaitSettled({}, timeout);
}

Mirror MirrorOf(const registry::Registry& registry) {
  const watch::Filter everything;
  service::SnapshotReader reader(registry.Snapshot(), everything);
  Mirror mirror;
  while (true) {
    sas::v1::WatchResponse response;
    if (reader.Next(1'000, ~size_t{0}, response.mutable_snapshot()) !=
        service::SnapshotReader::Found::kResources) {
      return mirror;
    }
    (void)mirror.Apply(response);
  }
}

std::vector<std::string> DifferencesFromFabric(VirtualBackend& backend,
                                               const registry::Registry& registry) {
  std::vector<std::string> differences;
  emulator::Emulator& emulator = backend.emulator();
  for (size_t host = 0; host < emulator.host_count(); ++host) {
    for (std::string& line : DifferencesFromTruth(*registry.Snapshot(), emulator.Truth(host))) {
      differences.push_back(std::move(line));
    }
  }
  return differences;
}

emulator::FabricSpec FabricOf(VirtualBackend& backend) {
  return backend.emulator().fabric().Read(
      [](const emulator::FabricState& state) { return state.spec(); });
}

// A backend whose drivers a test can inspect.
class System::Drivers : public VirtualBackend {
 public:
  explicit Drivers(ObservationSink& sink) : sink_(sink) {}
  ~Drivers() override {
    // A driver may wait for a timer of its HBA, so the runner goes last.
    drivers_.clear();
    iocs_.clear();
    runner_.reset();
  }

  absl::Status Start(emulator::FabricSpec fabric, uint64_t seed, Path path) {
    emulator::EmulatorOptions options;
    options.seed = seed;
    std::vector<emulator::MpiGeneration> generations;
    for (const auto& host : fabric.hosts) generations.push_back(host.generation);
    if (path == Path::kPci) {
      options.make_front_end = [&](emulator::VirtualHba& hba, uint32_t host) {
        slots_.push_back(std::make_unique<pci_ioc::FakeSlot>());
        return slots_.back()->Plug(hba, SystemClock(), generations[host]);
      };
    }
    auto emulator = emulator::Emulator::Create(std::move(fabric), options, SystemClock());
    if (!emulator.ok()) return emulator.status();
    emulator_ = *std::move(emulator);
    runner_ = std::make_unique<emulator::EmulatorRunner>(*emulator_, SystemClock());
    for (size_t host = 0; host < emulator_->host_count(); ++host) {
      if (absl::Status s = StartHost(host); !s.ok()) return s;
    }
    return absl::OkStatus();
  }

  const std::vector<std::unique_ptr<HbaDriver>>& all() const { return drivers_; }
  std::string illegal() const {
    std::string lines;
    for (const auto& judge : judges_) absl::StrAppend(&lines, judge->illegal());
    return lines;
  }

  const std::string& description() const override { return description_; }
  emulator::Emulator& emulator() override { return *emulator_; }
  absl::Status Rescan() override {
    for (const auto& driver : drivers_) driver->Rescan();
    return absl::OkStatus();
  }
  absl::Status WaitIdle(absl::Duration timeout) override {
    const absl::Time deadline = absl::Now() + timeout;
    do {
      // The drivers must have noticed what happened to their IOCs, and have got the events.
      while (!AllOperate() || !AllDelivered()) {
        if (absl::Now() >= deadline) return absl::DeadlineExceededError("an IOC does not operate");
        absl::SleepFor(absl::Milliseconds(1));
      }
      for (const auto& driver : drivers_) {
        if (absl::Status s = driver->WaitIdle(timeout); !s.ok()) return s;
      }
    } while (!AllOperate());
    return absl::OkStatus();
  }
  std::vector<DiagnosisCheck> Diagnose(const registry::Topology&) override { return {}; }

 private:
  absl::Status StartHost(size_t host) {
    judges_.push_back(std::make_unique<JudgingSink>(sink_));
    transport::IocTransport* ioc = nullptr;
    if (slots_.empty()) {
      ioc = &emulator_->transport(host);
    } else {
      pci_ioc::PciIocOptions options;
      options.pacer = &pacer_;
      options.look_interval = absl::Milliseconds(20);
      options.vectors = 1 + 7 * (host % 2);
      auto made =
          pci_ioc::PciIocTransport::Create(std::make_unique<pci_ioc::FakeFrontEndBus>(
                                               *slots_[host], pci_ioc::FakeFrontEndBus::Options()),
                                           SystemClock(), options);
      if (!made.ok()) return made.status();
      iocs_.push_back(*std::move(made));
      ioc = iocs_.back().get();
    }
    auto driver = HbaDriver::Start(*ioc, SystemClock(), *judges_[host]);
    if (!driver.ok()) return driver.status();
    drivers_.push_back(*std::move(driver));
    return absl::OkStatus();
  }

  bool AllOperate() {
    for (const auto& slot : slots_) {
      if (slot->ioc_state() != mpi::IocState::kOperational) return false;
    }
    return true;
  }

  // Whether each transport has delivered all events so far: a reply comes after them.
  bool AllDelivered() {
    mpi::ConfigRequest header;
    header.page.ext_type = mpi::ExtPageType::kSasIoUnit;
    const Bytes frame = mpi::EncodeConfigRequest(header);
    transport::IocRequest request;
    request.frame = frame;
    return std::all_of(iocs_.begin(), iocs_.end(),
                       [&](const auto& ioc) { return ioc->Execute(request).ok(); });
  }

  const std::string description_ = "virtual HBAs";
  ObservationSink& sink_;
  pci_ioc::QuickPacer pacer_;
  std::vector<std::unique_ptr<pci_ioc::FakeSlot>> slots_;  // empty: in-process
  std::unique_ptr<emulator::Emulator> emulator_;
  std::unique_ptr<emulator::EmulatorRunner> runner_;
  std::vector<std::unique_ptr<pci_ioc::PciIocTransport>> iocs_;
  std::vector<std::unique_ptr<JudgingSink>> judges_;
  std::vector<std::unique_ptr<HbaDriver>> drivers_;
};

System::System(const watch::WatchLog::Options& log)
    : registry_(RegistryOptions()),
      encoder_(registry_.epoch()),
      log_(registry_, log),
      publisher_(log_, encoder_),
      pump_(std::make_unique<watch::Pump>(publisher_)) {}

System::~System() = default;

absl::StatusOr<std::unique_ptr<System>> System::Start(emulator::FabricSpec fabric, uint64_t seed,
                                                      const watch::WatchLog::Options& log,
                                                      Path path) {
  auto system = absl::WrapUnique(new System(log));
  system->drivers_ = std::make_unique<Drivers>(*system->pump_);
  if (absl::Status s = system->drivers_->Start(std::move(fabric), seed, path); !s.ok()) return s;
  return system;
}

VirtualBackend& System::backend() { return *drivers_; }

uint64_t System::events_received() const {
  uint64_t events = 0;
  for (const auto& driver : drivers_->all()) events += driver->stats().events_received;
  return events;
}

uint64_t System::resets() const {
  uint64_t resets = 0;
  for (const auto& driver : drivers_->all()) resets += driver->stats().resets;
  return resets;
}

std::string System::illegal() const { return drivers_->illegal(); }

size_t System::Stop() {
  size_t live = 0;
  for (const auto& driver : drivers_->all()) {
    driver->Stop();
    live += driver->live_objects();
  }
  return live;
}

}  // namespace sasd::testing
