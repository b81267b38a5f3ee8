#ifndef DAEMON_BACKEND_BACKEND_H_
#define DAEMON_BACKEND_BACKEND_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "daemon/diagnosis/check.h"
#include "daemon/registry/topology.h"
#include "rpc/server.h"

namespace sasd {

// Where a sasd's facts come from. A backend observes into a sink from its start to its destruction.
// Thread-safe.
class Backend {
 public:
  virtual ~Backend() = default;

  // For people: "sysfs /sys", "virtual HBA, fabric demo".
  virtual const std::string& description() const = 0;

  // The gRPC services that this backend adds to sasd's own. The backend owns them; a server that
  // serves them must end first.
  virtual std::vector<rpc::ServedService> services() { return {}; }

  // Reads everything again; reports what differs. Errors: what could not be read.
  virtual absl::Status Rescan() = 0;

  // Waits until all that has happened so far is reported. kDeadlineExceeded names what is going on.
  virtual absl::Status WaitIdle(absl::Duration timeout) = 0;

  // Closes every file that keeps the kernel from unloading its drivers. When it returns none is
  // open. Less is known from then on, until an HBA arrives again or Rescan() is called.
  virtual void Release() {}

  // What sasd sees, what it does not see, and the remedy. `topology` is the registry's newest
  // picture. Does not wait and touches no device.
  virtual std::vector<DiagnosisCheck> Diagnose(const registry::Topology& topology) = 0;
};

}  // namespace sasd

#endif  // DAEMON_BACKEND_BACKEND_H_
