#ifndef DAEMON_HEALTH_FAKE_NODE_H_
#define DAEMON_HEALTH_FAKE_NODE_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/health/baseline.h"
#include "daemon/health/dismissals.h"
#include "daemon/health/examine.h"
#include "daemon/registry/fake_facts.h"
#include "daemon/registry/registry.h"
#include "driver/observation/observation.h"

namespace sasd::health {

// A node for tests: a registry whose events reach a baseline as the pump brings them.
class FakeNode {
 public:
  void Report(std::vector<Observation> observations, HostKey host = registry::kHostA,
              Source source = Source::kFirmware, const std::string& cause = "") {
    ObservationBatch batch = registry::Batch(std::move(observations), host);
    batch.source = source;
    batch.time = now;
    batch.cause = MakeCause(CauseKind::kFirmwareEvent, cause);
    registry.Observe(std::move(batch));
    Pump();
  }

  // Publishes what was committed.
  void Pump() {
    for (const registry::CommittedEvent& committed : registry.events().Take(1'000'000)) {
      for (registry::EventNotice& notice : baseline.OnCommit(*committed.event, *committed.after)) {
        notices.push_back(absl::StrCat(notice.reason, " ", notice.text));
      }
      for (const registry::ResourceId& id : baseline.TakeReturned()) dismissals.EndOnReturn(id);
      registry.Publish({committed});
    }
  }

  health::Report Examine() {
    return health::Examine(*registry.Snapshot(), baseline.View(), dismissals.HoldingAt(now), {now});
  }

  // "3 DRIVE_MISSING message": roots that are not dismissed.
  std::vector<std::string> Problems() {
    std::vector<std::string> problems;
    for (const Finding& finding : Examine().findings) {
      if (finding.root_cause.has_value() || finding.dismissal != nullptr) continue;
      problems.push_back(Line(finding));
    }
    return problems;
  }
  // "DRIVE_MISSING by ENCLOSURE_MISSING": what follows from another one.
  std::vector<std::string> Consequences() {
    std::vector<std::string> lines;
    for (const Finding& finding : Examine().findings) {
      if (!finding.root_cause.has_value()) continue;
      lines.push_back(
          absl::StrCat(ToString(finding.id.reason), " by ", ToString(finding.root_cause->reason)));
    }
    return lines;
  }
  HealthStatus Status(std::vector<HostKey> hosts = {}) { return StatusOf(Examine(), hosts).status; }
  static std::string Line(const Finding& finding) {
    return absl::StrCat(static_cast<int>(finding.severity), " ", ToString(finding.id.reason), " ",
                        finding.message);
  }

  absl::Time now = absl::FromUnixSeconds(1'000'000);
  registry::Registry registry{{"00000000000000aa", 0}};
  Baseline baseline;
  Dismissals dismissals;
  std::vector<std::string> notices;
};

}  // namespace sasd::health

#endif  // DAEMON_HEALTH_FAKE_NODE_H_
