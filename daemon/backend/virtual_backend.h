#ifndef DAEMON_BACKEND_VIRTUAL_BACKEND_H_
#define DAEMON_BACKEND_VIRTUAL_BACKEND_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/backend/backend.h"
#include "driver/base/clock.h"
#include "driver/observation/key_assignments.h"
#include "driver/observation/observation.h"

namespace sasd {

namespace emulator {
class Emulator;
}

// Virtual HBAs on a fabric, each with an HbaDriver. Thread-safe.
class VirtualBackend : public Backend {
 public:
  // For tests that act on the fabric. Owned by the backend.
  virtual emulator::Emulator& emulator() = 0;
};

// Starts virtual HBAs. `fabric` is a shipped name, a file (emulator::LoadFabric), or a regular
// fabric "synthetic:HOSTSxEXPANDERSxDEVICES" (1 to 16 hosts, 1 to 1,000 expanders per host, 0 to
// 200 devices per expander; at most 1,000,000 devices and 65,000 handles per host). `seed` decides
// what the fabric leaves open. Returns once every host is known. Borrows `clock`, `sink` and
// `keys` for the backend's lifetime; without `keys` it has a table of its own. Errors:
// kInvalidArgument and kNotFound name the fabric and the place in it.
absl::StatusOr<std::unique_ptr<VirtualBackend>> StartVirtualBackend(const std::string& fabric,
                                                                    uint64_t seed, Clock& clock,
                                                                    ObservationSink& sink,
                                                                    KeyAssignments* keys = nullptr);

// The names of the shipped fabrics, sorted.
std::vector<std::string> ShippedFabricNames();

// `backend` as a VirtualBackend; null if it is another backend.
VirtualBackend* AsVirtual(Backend& backend);

}  // namespace sasd

#endif  // DAEMON_BACKEND_VIRTUAL_BACKEND_H_
