#ifndef DAEMON_HEALTH_EXAMINE_H_
#define DAEMON_HEALTH_EXAMINE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "daemon/health/alias_text.h"
#include "daemon/health/dismissals.h"
#include "daemon/health/finding.h"
#include "daemon/health/missing.h"
#include "daemon/health/node_facts.h"
#include "daemon/registry/topology.h"

namespace sasd::health {

struct HealthCriteria {
  absl::Time now;  // wall clock
  // A device known to only one source for longer is a finding. A disk may come 10 s after its end
  // device.
  absl::Duration attach_grace = absl::Seconds(30);
};

// The numbers equal sas.v1.HealthStatus.
enum class HealthStatus : uint8_t { kOk = 1, kWarning = 2, kCritical = 3, kUnknown = 4 };

struct Report {
  // The most severe first; of them, first those that follow from no other one; then by kind and
  // key. Dismissed ones are among them.
  std::vector<Finding> findings;
  int64_t revision = 0;
  size_t examined_count = 0;  // resources, missing ones included
  // Hosts of which something can be said: read since the start, and not stale. The others, with the
  // reason.
  std::vector<HostKey> known_hosts;
  std::vector<std::pair<HostKey, std::string>> unknown_hosts;
  std::shared_ptr<const AliasText> aliases;  // for StatusOf(); null: nothing has an alias
};

// Examines all resources and all that is missing: O(n). Unknown values make no finding. `trends`:
// findings to be reported along. Examiner does the same from one event to the next.
Report Examine(const registry::Topology& topology, BaselineView baseline,
               const DismissalMap& dismissals, const HealthCriteria& criteria,
               const NodeFacts& facts = {}, std::vector<Finding> trends = {});

struct Examined;

// The steps of Examine() before and after the rules of links, devices and paths, in which it does
// not differ from Examiner. `findings`: those so far.
void BeginReport(const Examined& examined, std::vector<Finding>& findings);
Report CompleteReport(const Examined& examined, const DismissalMap& dismissals,
                      std::vector<Finding> findings);
// Leaves out what the topology has, which may be of another revision than the baseline.
void DropPresent(const registry::Topology& topology, std::vector<MissingPtr>& missing);

struct Verdict {
  HealthStatus status = HealthStatus::kUnknown;
  std::string message;  // why it is kUnknown
};

// The state of these hosts (empty: of the node). Dismissed findings do not count. Without a host of
// which something can be said it is kUnknown, never kOk.
Verdict StatusOf(const Report& report, absl::Span<const HostKey> hosts);

// Whether the finding is about one of these hosts; about sasd itself: always.
bool Concerns(const Finding& finding, absl::Span<const HostKey> hosts);

}  // namespace sasd::health

#endif  // DAEMON_HEALTH_EXAMINE_H_
