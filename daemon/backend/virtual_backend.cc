#include "daemon/backend/virtual_backend.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/memory/memory.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "daemon/diagnosis/commands.h"
#include "driver/hba_driver.h"
#include "driver/observation/key_table.h"
#include "emulator/emulator.h"
#include "emulator/emulator_runner.h"
#include "emulator/fabric/fabric_builder.h"
#include "emulator/fabric/fabric_loader.h"
#include "emulator/fabric/shipped_fabrics.h"
#include "emulator/service/emulator_service.h"

namespace sasd {
namespace {

constexpr absl::string_view kSyntheticPrefix = "synthetic:";
constexpr int kMaxDevices = 1'000'000, kMaxNodesPerHost = 65'000;

absl::StatusOr<emulator::FabricSpec> MakeSynthetic(absl::string_view text) {
  const std::vector<absl::string_view> numbers =
      absl::StrSplit(absl::StripPrefix(text, kSyntheticPrefix), 'x');
  emulator::SyntheticFabricOptions options;
  if (numbers.size() != 3 || !absl::SimpleAtoi(numbers[0], &options.hosts) ||
      !absl::SimpleAtoi(numbers[1], &options.expanders_per_host) ||
      !absl::SimpleAtoi(numbers[2], &options.devices_per_expander)) {
    return absl::InvalidArgumentError(
        absl::StrCat("fabric \"", text,
                     "\": use synthetic:HOSTSxEXPANDERSxDEVICES, for example "
                     "synthetic:1x100x100 (100 expanders per host, 100 devices per expander)"));
  }
  if (options.hosts < 1 || options.hosts > 16 || options.expanders_per_host < 1 ||
      options.expanders_per_host > 1'000 || options.devices_per_expander < 0 ||
      options.devices_per_expander > 200 ||
      options.hosts * options.expanders_per_host * options.devices_per_expander > kMaxDevices) {
    return absl::InvalidArgumentError(
        absl::StrCat("fabric \"", text,
                     "\": use 1 to 16 hosts, 1 to 1000 expanders per host, 0 to 200 devices per "
                     "expander, and at most ",
                     kMaxDevices, " devices"));
  }
  // Each expander comes with its SES device; handles have 16 bits.
  const int nodes = options.expanders_per_host * (options.devices_per_expander + 2);
  if (nodes > kMaxNodesPerHost) {
    return absl::InvalidArgumentError(absl::StrCat(
        "fabric \"", text, "\": ", nodes, " expanders and devices per host exceed the ",
        kMaxNodesPerHost, " handles of an HBA; use more hosts"));
  }
  return emulator::SyntheticFabric(options);
}

class RunningFabric : public VirtualBackend {
 public:
  RunningFabric(const std::string& fabric, std::unique_ptr<emulator::Emulator> emulator,
                Clock& clock)
      : description_(absl::StrCat("virtual HBA, fabric ", fabric)),
        emulator_(std::move(emulator)),
        runner_(std::make_unique<emulator::EmulatorRunner>(*emulator_, clock)) {}

  ~RunningFabric() override {
    // A driver may wait for a timer of its HBA, so the runner ends last.
    drivers_.clear();
    runner_.reset();
  }

  absl::Status StartDrivers(Clock& clock, ObservationSink& sink, KeyAssignments* keys) {
    if (keys == nullptr) keys = &own_keys_;
    std::vector<PlacedHost> present;
    for (size_t host = 0; host < emulator_->host_count(); ++host) {
      const transport::IocInfo info = emulator_->transport(host).Info();
      present.push_back(
          {emulator_->Truth(host).address, HostLocation::Of(info.pci_address, info.name)});
    }
    keys->SetHosts(present);
    for (size_t host = 0; host < emulator_->host_count(); ++host) {
      absl::StatusOr<std::unique_ptr<HbaDriver>> driver =
          HbaDriver::Start(emulator_->transport(host), clock, sink, PortNumbering::kFirmware, keys);
      if (!driver.ok()) return driver.status();
      drivers_.push_back(*std::move(driver));
    }
    return absl::OkStatus();
  }

  const std::string& description() const override { return description_; }
  emulator::Emulator& emulator() override { return *emulator_; }

  std::vector<rpc::ServedService> services(rpc::CallGuard& guard) override {
    service_.emplace(emulator_->fabric(), guard);
    return {{&*service_, sas::emulator::v1::EmulatorService::service_full_name(), nullptr,
             emulator::EmulatorService::Roles(), emulator::EmulatorService::Changes()}};
  }

  absl::Status Rescan() override {
    for (const std::unique_ptr<HbaDriver>& driver : drivers_) driver->Rescan();
    return absl::OkStatus();
  }

  absl::Status WaitIdle(absl::Duration timeout) override {
    for (const std::unique_ptr<HbaDriver>& driver : drivers_) {
      if (absl::Status s = driver->WaitIdle(timeout); !s.ok()) return s;
    }
    return absl::OkStatus();
  }

  std::vector<DiagnosisCheck> Diagnose(const registry::Topology& topology) override {
    return {
        PassedCheck("backend", absl::StrCat(description_, ": simulated hardware, fully visible; ",
                                            topology.size(), " objects"))};
  }

 private:
  const std::string description_;
  const std::unique_ptr<emulator::Emulator> emulator_;
  KeyTable own_keys_;
  std::optional<emulator::EmulatorService> service_;
  std::unique_ptr<emulator::EmulatorRunner> runner_;
  std::vector<std::unique_ptr<HbaDriver>> drivers_;  // constant after StartDrivers()
};

}  // namespace

absl::StatusOr<std::unique_ptr<VirtualBackend>> StartVirtualBackend(const std::string& fabric,
                                                                    uint64_t seed, Clock& clock,
                                                                    ObservationSink& sink,
                                                                    KeyAssignments* keys) {
  absl::StatusOr<emulator::FabricSpec> spec = absl::StartsWith(fabric, kSyntheticPrefix)
                                                  ? MakeSynthetic(fabric)
                                                  : emulator::LoadFabric(fabric);
  if (!spec.ok()) return spec.status();
  emulator::EmulatorOptions options;
  options.seed = seed;
  absl::StatusOr<std::unique_ptr<emulator::Emulator>> emulator =
      emulator::Emulator::Create(*std::move(spec), options, clock);
  if (!emulator.ok()) return emulator.status();
  auto backend = std::make_unique<RunningFabric>(fabric, *std::move(emulator), clock);
  if (absl::Status s = backend->StartDrivers(clock, sink, keys); !s.ok()) return s;
  return backend;
}

std::vector<std::string> ShippedFabricNames() {
  std::vector<std::string> names;
  for (const emulator::ShippedFabric& fabric : emulator::ShippedFabrics()) {
    names.emplace_back(fabric.name);
  }
  return names;
}

VirtualBackend* AsVirtual(Backend& backend) { return dynamic_cast<VirtualBackend*>(&backend); }

}  // namespace sasd
