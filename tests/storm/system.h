#ifndef TESTS_STORM_SYSTEM_H_
#define TESTS_STORM_SYSTEM_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "daemon/backend/virtual_backend.h"
#include "daemon/registry/registry.h"
#include "daemon/service/event_encoder.h"
#include "daemon/watch/publisher.h"
#include "daemon/watch/pump.h"
#include "daemon/watch/watch_log.h"
#include "emulator/fabric/fabric.h"
#include "tests/storm/path.h"
#include "tests/support/mirror.h"

namespace sasd::testing {

// Waits until drivers and registry have digested all acts on the fabric, and all pending faults of
// events. Returns the registry's revision. Errors name what is not settled after `timeout`.
absl::StatusOr<int64_t> Settle(VirtualBackend& backend, registry::Registry& registry,
                               absl::Duration timeout);

// Causes an event on each host that changes nothing.
void Nudge(VirtualBackend& backend);

// The registry's picture as a subscriber would have it.
Mirror MirrorOf(const registry::Registry& registry);

// The differences between the registry and the fabric, over all hosts.
std::vector<std::string> DifferencesFromFabric(VirtualBackend& backend,
                                               const registry::Registry& registry);

// The fabric as it is now.
emulator::FabricSpec FabricOf(VirtualBackend& backend);

// Everything of sasd beneath gRPC, on virtual HBAs.
class System {
 public:
  static absl::StatusOr<std::unique_ptr<System>> Start(emulator::FabricSpec fabric, uint64_t seed,
                                                       const watch::WatchLog::Options& log,
                                                       Path path = Path::kInProcess);
  ~System();

  VirtualBackend& backend();
  registry::Registry& registry() { return registry_; }
  watch::WatchLog& log() { return log_; }

  // Sums over all drivers: events delivered by the firmware, and host resets.
  uint64_t events_received() const;
  uint64_t resets() const;
  // Illegal observations of the drivers, a line each; empty: none.
  std::string illegal() const;
  // Stops the drivers. Returns the number of their objects that still live.
  size_t Stop();

 private:
  class Drivers;

  explicit System(const watch::WatchLog::Options& log);

  registry::Registry registry_;
  service::EventEncoder encoder_;
  watch::WatchLog log_;
  watch::Publisher publisher_;
  std::unique_ptr<watch::Pump> pump_;
  std::unique_ptr<Drivers> drivers_;
};

}  // namespace sasd::testing

#endif  // TESTS_STORM_SYSTEM_H_
