#ifndef DAEMON_HEALTH_FAKE_NODE_H_
#define DAEMON_HEALTH_FAKE_NODE_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "daemon/health/baseline.h"
#include "daemon/health/dismissals.h"
#include "daemon/health/examine.h"
#include "daemon/health/examiner.h"
#include "daemon/health/finding.h"
#include "daemon/registry/fake_facts.h"
#include "daemon/registry/registry.h"
#include "driver/observation/observation.h"
#include "gtest/gtest.h"

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

  // Also checks that the examiner, which has seen the earlier states, finds the same.
  health::Report Examine() {
    const std::shared_ptr<const registry::Topology> topology = registry.Snapshot();
    const DismissalMap holding = dismissals.HoldingAt(now);
    health::Report report = health::Examine(*topology, baseline.View(), holding, {now});
    const health::Report next = examiner.Examine(topology, baseline.View(), holding, {now});
    EXPECT_EQ(Describe(next), Describe(report)) << "revision " << report.revision;
    return report;
  }

  // All that a report says.
  static std::string Describe(const health::Report& report) {
    std::vector<std::string> lines = {absl::StrCat("revision ", report.revision, ", ",
                                                   report.examined_count, " examined, ",
                                                   report.known_hosts.size(), " hosts known")};
    for (const auto& [host, reason] : report.unknown_hosts) lines.push_back(reason);
    const auto name = [](const FindingId& id) {
      return absl::StrCat(ToString(id.reason), " ",
                          id.resource.has_value() ? registry::Describe(*id.resource) : "sasd");
    };
    for (const Finding& finding : report.findings) {
      std::string line = absl::StrCat(
          Line(finding), " of ", name(finding.id), " on ", finding.hosts.size(), " hosts since ",
          finding.first_seen.revision, " ", absl::FormatTime(finding.first_seen.time));
      if (finding.root_cause.has_value()) absl::StrAppend(&line, " by ", name(*finding.root_cause));
      if (finding.dismissal != nullptr) absl::StrAppend(&line, ", ", finding.dismissal->reason);
      for (const registry::ResourceId& each : finding.affected) {
        absl::StrAppend(&line, ", ", registry::Describe(each));
      }
      lines.push_back(std::move(line));
    }
    return absl::StrJoin(lines, "\n");
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
  Examiner examiner;
  Dismissals dismissals;
  std::vector<std::string> notices;
};

}  // namespace sasd::health

#endif  // DAEMON_HEALTH_FAKE_NODE_H_
