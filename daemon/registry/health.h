#ifndef DAEMON_REGISTRY_HEALTH_H_
#define DAEMON_REGISTRY_HEALTH_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
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

// Looks at everything: O(n). The most severe first, then by kind and key. What is not known makes
// no finding.
std::vector<Finding> FindProblems(const Topology& topology);

}  // namespace sasd::registry

#endif  // DAEMON_REGISTRY_HEALTH_H_
