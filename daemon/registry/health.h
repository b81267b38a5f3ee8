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
  kSlowLink,        // warning: slower than both ends support, or than it once was
  kSinglePath,      // warning: one path to a drive where there should be two
  kDeviceBlocked,   // warning: the firmware waits for it to come back
  kDeviceFailed,    // critical
  kDiscoveryError,  // critical where discovery failed; warning where it settled with an error
  kHostRecovering,  // warning: a host reset or a gap is being worked up
  // Of hosts where both tell.
  kNotAttached,        // warning: the firmware has a device, the operating system has not
  kUnknownToFirmware,  // warning: the reverse
  kSlotContradiction,  // warning: firmware, kernel and SES name different slots
};

// "NARROW_PORT", ...: stable, part of the API.
absl::string_view ToString(FindingReason reason);

// Something that is not as it should be, now.
struct Finding {
  Severity severity = Severity::kInfo;
  FindingReason reason = FindingReason::kNarrowPort;
  ResourceId resource;
  HostList hosts;       // that it belongs to
  std::string message;  // one sentence with the values
};

struct HealthCriteria {
  absl::Time now;  // wall clock
  // What one side has and the other has not is no finding before: a disk may come 10 s after its
  // end device.
  absl::Duration attach_grace = absl::Seconds(30);
};

// Looks at everything: O(n). The most severe first, then by kind and key. What is not known makes
// no finding.
std::vector<Finding> FindProblems(const Topology& topology, const HealthCriteria& criteria);

}  // namespace sasd::registry

#endif  // DAEMON_REGISTRY_HEALTH_H_
