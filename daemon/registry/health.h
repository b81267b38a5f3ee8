#ifndef DAEMON_REGISTRY_HEALTH_H_
#define DAEMON_REGISTRY_HEALTH_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "daemon/registry/topology.h"

namespace sasd::registry {

// The numbers equal sas.v1.Severity.
enum class Severity : uint8_t { kInfo = 1, kWarning = 2, kCritical = 3 };

enum class FindingReason : uint8_t {
  kNarrowPort,      // warning: a port has fewer phys than it once had
  kSlowLink,        // warning: slower than both ends support, or than before
  kSinglePath,      // warning: one path to a drive that should have two
  kDeviceBlocked,   // warning: the firmware waits for the device to come back
  kDeviceFailed,    // critical
  kDiscoveryError,  // critical if discovery failed; warning if it settled with an error
  kHostRecovering,  // warning: the host recovers from a reset or from lost events
  // Only on hosts that a fabric source and the operating system report.
  kNotAttached,        // warning: the operating system does not know the device
  kUnknownToFirmware,  // warning: the firmware does not know the device
  kSlotContradiction,  // warning: sources report different slots
};

// "NARROW_PORT", ...: stable, part of the API.
absl::string_view ToString(FindingReason reason);

// A problem that exists now.
struct Finding {
  Severity severity = Severity::kInfo;
  FindingReason reason = FindingReason::kNarrowPort;
  ResourceId resource;
  HostList hosts;       // of the resource
  std::string message;  // one sentence with the values
};

struct HealthCriteria {
  absl::Time now;  // wall clock
  // A device known to only one source for longer is a finding. A disk may come 10 s after its end
  // device.
  absl::Duration attach_grace = absl::Seconds(30);
};

// Examines all resources: O(n). Returns the most severe findings first, then by kind and key.
// Unknown values make no finding.
std::vector<Finding> FindProblems(const Topology& topology, const HealthCriteria& criteria);

}  // namespace sasd::registry

#endif  // DAEMON_REGISTRY_HEALTH_H_
