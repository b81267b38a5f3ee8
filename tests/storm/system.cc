#include "tests/storm/system.h"

#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "daemon/service/snapshot_reader.h"
#include "driver/base/clock.h"
#include "driver/emulator/emulator.h"
#include "tests/support/truth_check.h"

namespace sasd::testing {
namespace {

// More than any fault of Chaos swallows or holds back.
constexpr int kNudges = 8;

registry::Registry::Options RegistryOptions() {
  registry::Registry::Options options;
  options.epoch = "00000000000000aa";
  return options;
}

}  // namespace

void Nudge(Backend& backend) {
  emulator::Emulator& emulator = *backend.emulator();
  for (size_t host = 0; host < emulator.host_count(); ++host) {
    // A host in reset has nothing to say.
    (void)emulator.fabric().InjectLogEntry(emulator.Truth(host).id, 0, "nudge");
  }
}

absl::StatusOr<int64_t> Settle(Backend& backend, registry::Registry& registry,
                               absl::Duration timeout) {
  for (int i = 0; i < kNudges; ++i) Nudge(backend);
  if (absl::Status s = backend.WaitIdle(timeout); !s.ok()) return s;
  return registry.WaitSettled({}, timeout);
}

Mirror MirrorOf(const registry::Registry& registry) {
  const watch::Filter everything;
  service::SnapshotReader reader(registry.Snapshot(), everything);
  Mirror mirror;
  while (true) {
    sas::v1::WatchResponse response;
    if (!reader.Next(1'000, response.mutable_snapshot())) return mirror;
    (void)mirror.Apply(response);
  }
}

std::vector<std::string> DifferencesFromFabric(Backend& backend,
                                               const registry::Registry& registry) {
  std::vector<std::string> differences;
  emulator::Emulator& emulator = *backend.emulator();
  for (size_t host = 0; host < emulator.host_count(); ++host) {
    for (std::string& line : DifferencesFromTruth(*registry.Snapshot(), emulator.Truth(host))) {
      differences.push_back(std::move(line));
    }
  }
  return differences;
}

System::System(const watch::WatchLog::Options& log)
    : registry_(RegistryOptions()),
      encoder_(registry_.epoch()),
      log_(registry_, encoder_, log),
      pump_(std::make_unique<watch::Pump>(log_)) {}

absl::StatusOr<std::unique_ptr<System>> System::Start(const std::string& fabric, uint64_t seed,
                                                      const watch::WatchLog::Options& log) {
  auto system = absl::WrapUnique(new System(log));
  absl::StatusOr<std::unique_ptr<Backend>> backend =
      StartVirtualBackend(fabric, seed, SystemClock(), *system->pump_);
  if (!backend.ok()) return backend.status();
  system->backend_ = *std::move(backend);
  return system;
}

}  // namespace sasd::testing
