#ifndef DAEMON_HEALTH_FINDING_H_
#define DAEMON_HEALTH_FINDING_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "daemon/health/dismissals.h"
#include "daemon/registry/resources.h"
#include "driver/observation/observation.h"

namespace sasd::health {

// The numbers equal sas.v1.Severity.
enum class Severity : uint8_t { kInfo = 1, kWarning = 2, kCritical = 3 };

enum class FindingReason : uint8_t {
  // Of what is there.
  kNarrowPort,  // warning: a port has fewer phys than it once had
  kSlowLink,    // warning: slower than both ends support, than before, or than its neighbours
  kLinkWithoutDevice,  // warning: a phy has a link for long, and nothing is attached
  kSinglePath,         // warning: one path to a drive that should have two
  kDeviceBlocked,      // warning: the firmware waits for the device to come back
  kDeviceFailed,       // critical
  kDiscoveryError,     // critical if discovery failed; warning if it settled with an error
  kHostRecovering,     // warning: the host recovers from a reset or from lost events
  // Only on hosts that a fabric source and the operating system report.
  kNotAttached,        // warning: the operating system does not know the device
  kUnknownToFirmware,  // warning: the firmware does not know the device
  kSlotContradiction,  // warning: sources report different slots, or several drives in one slot
  kSharedIdentifier,   // warning: several objects report one identifier
  kBadIdentifier,      // warning: an object reports one that cannot identify it
  // Of what belongs to the node and is gone.
  kHostMissing,       // critical
  kExpanderMissing,   // critical
  kEnclosureMissing,  // critical
  kDriveMissing,      // critical
  kPathMissing,       // warning where the drive has another path; critical where it has none
  kPortLost,          // critical: a wide port has lost all its phys
  // Of what happens again and again.
  kFlapping,        // warning
  kRepeatedResets,  // warning
  kRepeatedGaps,    // warning
  // Of sasd itself.
  kJournalStalled,      // critical: events are not written
  kJournalRefused,      // warning: sasd serves from memory alone
  kHostNotRead,         // warning: a host's picture is from before a restart, and the grace is over
  kHostUnreadable,      // warning: the operating system names hosts that cannot be read
  kCertificateExpires,  // warning: a certificate of sasd's TLS ends within 30 days
  kCertificateExpired,  // critical
  kCertificateUnusable,  // critical: cannot be read, or is not valid yet
  kBaselineLost,         // critical: what belongs to the node was lost with its file; the last one
};

// "NARROW_PORT", ...: stable, part of the API.
absl::string_view ToString(FindingReason reason);
std::optional<FindingReason> ParseReason(absl::string_view text);

// What one finding is about; as long as the fault lasts, it is one finding. No resource: sasd
// itself.
struct FindingId {
  std::optional<registry::ResourceId> resource;
  FindingReason reason = FindingReason::kNarrowPort;

  friend bool operator==(const FindingId& a, const FindingId& b) {
    return a.reason == b.reason && a.resource == b.resource;
  }
  friend bool operator<(const FindingId& a, const FindingId& b) {
    return std::tie(a.resource, a.reason) < std::tie(b.resource, b.reason);
  }
};

// When something was first seen, and in which event.
struct Origin {
  absl::Time time = absl::InfinitePast();  // InfinitePast(): not known
  int64_t revision = 0;                    // 0: not known
  Cause cause;                             // meaningless without a revision
};

// What operators call a host or an enclosure.
struct NamedAlias {
  registry::ResourceId resource;
  std::string alias;
};

// A problem that exists now.
struct Finding {
  Severity severity = Severity::kInfo;
  FindingId id;
  registry::HostList hosts;  // of the resource
  std::string message;       // one sentence with the values
  // Of the hosts and enclosures in `message`, and of that which the resource belongs to. Empty
  // until Monitor reports it.
  std::vector<NamedAlias> aliases;
  Origin first_seen;
  // The finding that this one follows from. Its own root cause is empty.
  std::optional<FindingId> root_cause;
  // The resources that it affects, its own first. Those of its consequences are among them.
  std::vector<registry::ResourceId> affected;
  registry::ResourceRef last_known;            // null unless the resource is gone
  std::shared_ptr<const Dismissal> dismissal;  // null: not dismissed
};

}  // namespace sasd::health

#endif  // DAEMON_HEALTH_FINDING_H_
