#ifndef DAEMON_HEALTH_RULES_H_
#define DAEMON_HEALTH_RULES_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "daemon/health/finding.h"
#include "daemon/health/missing.h"
#include "daemon/health/node_facts.h"
#include "daemon/registry/topology.h"

// The rules, each over all resources of its kind: O(n), pure. Unknown values make no finding. Each
// answers for what is gone as well: a rule that looks at an object sees what the baseline kept of
// it.
//
// The rules of links, devices and paths also run on the part of the topology that an event may have
// touched (examiner.h). Hence such a rule makes a finding out of no more than this:
// - of a link or an owner of links (host, expander): the owner, its phys and ports, the nodes at
//   the other ends, the phys and ports of those that lie below it, and BaselineView::best;
// - of an end device: the device itself;
// - of a logical unit: the units of its enclosure, their end devices, the enclosure, and the paths
//   that these units have lost;
// - each: its host, but the host's discovery only where it makes a finding anyway or calls
//   LookAgain(); and the time, where it calls LookAgain(). Nothing of NodeFacts.
// A test compares both ways on random events.
namespace sasd::health {

struct Examined {
  const registry::Topology& topology;
  const BaselineView& baseline;
  const NodeFacts& facts;
  absl::Time now;  // wall clock
  // A device known to only one source for longer is a finding.
  absl::Duration attach_grace;
  // Where LookAgain() keeps its calls; null: nowhere.
  std::vector<std::pair<registry::ResourceId, absl::Time>>* again = nullptr;

  // What a rule says of the resource may change at `time`, without any event.
  void LookAgain(const registry::ResourceId& resource, absl::Time time) const {
    if (again != nullptr) again->emplace_back(resource, time);
  }
};

// BASELINE_LOST, JOURNAL_STALLED, JOURNAL_REFUSED, HOST_NOT_READ, HOST_UNREADABLE,
// CERTIFICATE_EXPIRES, CERTIFICATE_EXPIRED, CERTIFICATE_UNUSABLE.
void ExamineNode(const Examined& examined, std::vector<Finding>& findings);
// DISCOVERY_ERROR, HOST_RECOVERING.
void ExamineHosts(const Examined& examined, std::vector<Finding>& findings);
// SHARED_IDENTIFIER of hosts, expanders and enclosures. Their keys tell hosts (HostKey) and
// enclosures apart; expanders with one address are different ones if the drives behind them are
// different.
void ExamineIdentifiers(const Examined& examined, std::vector<Finding>& findings);
// NARROW_PORT, SLOW_LINK.
void ExaminePorts(const Examined& examined, std::vector<Finding>& findings);
// LINK_WITHOUT_DEVICE.
void ExaminePhys(const Examined& examined, std::vector<Finding>& findings);
// All rules of links and of those that own them.
inline void ExamineLinks(const Examined& examined, std::vector<Finding>& findings) {
  ExaminePorts(examined, findings);
  ExaminePhys(examined, findings);
}
// DEVICE_BLOCKED, DEVICE_FAILED, NOT_ATTACHED, UNKNOWN_TO_FIRMWARE, SLOT_CONTRADICTION.
void ExamineDevices(const Examined& examined, std::vector<Finding>& findings);
// SLOT_CONTRADICTION: several drives in one slot, one drive in several slots.
void ExamineSlots(const Examined& examined, std::vector<Finding>& findings);
// SHARED_IDENTIFIER, BAD_IDENTIFIER of logical units.
void ExamineUnits(const Examined& examined, std::vector<Finding>& findings);
// SINGLE_PATH.
void ExaminePaths(const Examined& examined, std::vector<Finding>& findings);
// HOST_MISSING, EXPANDER_MISSING, ENCLOSURE_MISSING, DRIVE_MISSING, PATH_MISSING, PORT_LOST, and
// which of them, and of the findings so far, follow from which.
void ExamineMissing(const Examined& examined, std::vector<Finding>& findings);

// SPC peripheral device types of drives.
bool IsDrive(uint8_t peripheral_type);

// Appends a finding about a resource that is there.
template <typename T>
void AddFinding(Severity severity, FindingReason reason, const T& resource,
                registry::HostList hosts, std::string message, std::vector<Finding>& findings) {
  Finding finding;
  finding.severity = severity;
  finding.id = {registry::MakeId<T>(resource.key()), reason};
  finding.hosts = std::move(hosts);
  finding.message = std::move(message);
  finding.first_seen.time = resource.stamp.time();
  finding.first_seen.revision = resource.stamp.revision;
  finding.affected = {*finding.id.resource};
  findings.push_back(std::move(finding));
}

}  // namespace sasd::health

#endif  // DAEMON_HEALTH_RULES_H_
