#ifndef DAEMON_BACKEND_BACKEND_H_
#define DAEMON_BACKEND_BACKEND_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daemon/diagnosis/check.h"
#include "daemon/registry/topology.h"
#include "driver/base/clock.h"
#include "driver/observation/key_assignments.h"
#include "driver/observation/observation.h"
#include "driver/observation/scsi_host.h"
#include "rpc/call_guard.h"
#include "rpc/server.h"

namespace sasd {

// An HBA that sasd is to drive itself and does not, although no other driver shows it.
struct UndrivenHba {
  std::string pci_address;  // "0000:03:00.0"
  bool present = false;     // it is in the machine
  bool starting = false;    // sasd brings it up now
  std::string reason;       // why, and what to do
};

// The origin of a sasd's facts. A backend sends observations to a sink from its start to its
// destruction. Thread-safe.
class Backend {
 public:
  virtual ~Backend() = default;

  // For people: "sysfs /sys, live", "virtual HBA, fabric demo".
  virtual const std::string& description() const = 0;

  // The gRPC services that this backend adds to sasd's own. The backend owns them. A server must
  // end before the backend whose services it serves.
  virtual std::vector<rpc::ServedService> services(rpc::CallGuard& /*guard*/) { return {}; }

  // Reads everything again and reports the differences. Errors: those of the reading.
  virtual absl::Status Rescan() = 0;

  // Waits until everything that has happened so far is reported. kDeadlineExceeded names what is
  // still going on.
  virtual absl::Status WaitIdle(absl::Duration timeout) = 0;

  // Closes every file that keeps the kernel from unloading its drivers, and returns once none is
  // open. The backend then knows less, until an HBA reappears or Rescan() is called.
  virtual void Release() {}

  // The interval between two looks at the links of a host from now on; 0: never. Only a backend
  // that looks takes it.
  virtual void SetLookInterval(absl::Duration) {}

  // What the operating system shows beside the SAS objects, as last read; never null. Makes no I/O.
  virtual std::shared_ptr<const ScsiHosts> scsi_hosts() {
    static const auto& none =
        *new std::shared_ptr<const ScsiHosts>(std::make_shared<const ScsiHosts>());
    return none;
  }

  // Makes no request to an HBA.
  virtual std::vector<UndrivenHba> undriven_hbas() { return {}; }

  // Returns what sasd sees, what it does not see, and the remedies. `topology` is the registry's
  // newest snapshot. Does not wait and touches no device.
  virtual std::vector<DiagnosisCheck> Diagnose(const registry::Topology& topology) = 0;
};

// Starts a backend, which borrows all until its destruction.
using BackendStarter = std::function<absl::StatusOr<std::unique_ptr<Backend>>(
    Clock& clock, ObservationSink& sink, KeyAssignments& keys)>;

}  // namespace sasd

#endif  // DAEMON_BACKEND_BACKEND_H_
