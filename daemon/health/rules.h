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
namespace sasd::health {

struct Examined {
  const registry::Topology& topology;
  const BaselineView& baseline;
  const NodeFacts& facts;
  absl::Time now;  // wall clock
  // A device known to only one source for longer is a finding.
  absl::Duration attach_grace;
};

// BASELINE_LOST, JOURNAL_STALLED, JOURNAL_REFUSED, HOST_NOT_READ, HOST_UNREADABLE.
void ExamineNode(const Examined& examined, std::vector<Finding>& findings);
// DISCOVERY_ERROR, HOST_RECOVERING.
void ExamineHosts(const Examined& examined, std::vector<Finding>& findings);
// SHARED_IDENTIFIER of hosts and expanders. The key of a host tells them apart (HostKey); expanders
// with one address are different ones if the drives behind them are different.
void ExamineIdentifiers(const Examined& examined, std::vector<Finding>& findings);
// NARROW_PORT, SLOW_LINK.
void ExaminePorts(const Examined& examined, std::vector<Finding>& findings);
// LINK_WITHOUT_DEVICE.
void ExaminePhys(const Examined& examined, std::vector<Finding>& findings);
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
