#include "daemon/health/examine.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "daemon/health/coverage.h"
#include "daemon/health/rules.h"

namespace sasd::health {
namespace {

using registry::EndDevice;
using registry::Host;
using registry::Topology;

// Whether the topology, which may be of another revision than the baseline, has the object.
bool IsThere(const Topology& topology, const Missing& missing) {
  if (KindOf(missing.id) != registry::ResourceKind::kEndDevice) {
    return !IsNull(topology.Get(missing.id));
  }
  const auto* device =
      topology.collection<EndDevice>().Find(std::get<registry::IndexOf<EndDevice>()>(missing.id));
  const UnitKeys& lost = missing.units;
  return device != nullptr &&
         std::any_of(device->units.begin(), device->units.end(), [&](const auto& path) {
           return std::find(lost.begin(), lost.end(), path->unit) != lost.end();
         });
}

// What a stale host waits for.
std::string WhyStale(const NodeFacts& facts, HostKey host) {
  for (const NodeFacts::StaleHost& stale : facts.stale_hosts) {
    if (stale.host == host && !stale.waits_for.empty()) {
      return absl::StrCat("not read since sasd started; waits for ", stale.waits_for);
    }
  }
  return "not read since sasd started";
}

void SortHosts(const Topology& topology, const BaselineView& baseline, const NodeFacts& facts,
               Report& report) {
  for (const auto& host : topology.collection<Host>()) {
    const DiscoveryState state = host->discovery.state;
    const bool is_read = state == DiscoveryState::kSettled || state == DiscoveryState::kFailed ||
                         baseline.settled.contains(host->key());
    if (host->stale) {
      report.unknown_hosts.emplace_back(host->key(), WhyStale(facts, host->key()));
    } else if (is_read) {
      report.known_hosts.push_back(host->key());
    } else {
      report.unknown_hosts.emplace_back(host->key(), "discovery has not settled yet");
    }
  }
}

}  // namespace

void DropPresent(const Topology& topology, std::vector<MissingPtr>& missing) {
  missing.erase(std::remove_if(missing.begin(), missing.end(),
                               [&](const MissingPtr& each) { return IsThere(topology, *each); }),
                missing.end());
}

void BeginReport(const Examined& examined, std::vector<Finding>& findings) {
  ExamineNode(examined, findings);
  ExamineHosts(examined, findings);
  ExamineIdentifiers(examined, findings);
  ExamineSlots(examined, findings);
  ExamineUnits(examined, findings);
}

Report CompleteReport(const Examined& examined, const DismissalMap& dismissals,
                      std::vector<Finding> findings) {
  Report report;
  const Topology& topology = examined.topology;
  const std::vector<MissingPtr>& missing = examined.baseline.missing;
  ExamineMissing(examined, findings);
  Coverage(topology, missing, dismissals).Mark(findings);
  std::stable_sort(findings.begin(), findings.end(), [](const Finding& a, const Finding& b) {
    if (a.severity != b.severity) return a.severity > b.severity;
    if (a.root_cause.has_value() != b.root_cause.has_value()) return b.root_cause.has_value();
    return a.id.resource < b.id.resource;
  });
  report.findings = std::move(findings);
  report.revision = topology.revision();
  report.examined_count = topology.size() + missing.size();
  SortHosts(topology, examined.baseline, examined.facts, report);
  return report;
}

Report Examine(const Topology& topology, BaselineView baseline, const DismissalMap& dismissals,
               const HealthCriteria& criteria, const NodeFacts& facts,
               std::vector<Finding> trends) {
  std::vector<Finding> findings = std::move(trends);
  DropPresent(topology, baseline.missing);
  const Examined examined{topology, baseline, facts, criteria.now, criteria.attach_grace};
  BeginReport(examined, findings);
  ExamineLinks(examined, findings);
  ExamineDevices(examined, findings);
  ExaminePaths(examined, findings);
  return CompleteReport(examined, dismissals, std::move(findings));
}

bool Concerns(const Finding& finding, absl::Span<const HostKey> hosts) {
  return hosts.empty() || !finding.id.resource.has_value() ||
         std::any_of(finding.hosts.begin(), finding.hosts.end(), [hosts](HostKey host) {
           return std::find(hosts.begin(), hosts.end(), host) != hosts.end();
         });
}

Verdict StatusOf(const Report& report, absl::Span<const HostKey> hosts) {
  const auto is_asked = [hosts](HostKey host) {
    return hosts.empty() || std::find(hosts.begin(), hosts.end(), host) != hosts.end();
  };
  if (std::none_of(report.known_hosts.begin(), report.known_hosts.end(), is_asked)) {
    std::vector<std::string> reasons;
    for (const auto& [host, reason] : report.unknown_hosts) {
      if (is_asked(host)) reasons.push_back(absl::StrCat("host ", ToText(host), ": ", reason));
    }
    if (reasons.empty()) reasons.push_back("there is no host");
    std::string message = absl::StrJoin(reasons, "; ");
    std::vector<NamedAlias> named;
    if (report.aliases != nullptr) message = report.aliases->In(message, &named);
    return {HealthStatus::kUnknown, std::move(message)};
  }
  Severity worst = Severity::kInfo;
  for (const Finding& finding : report.findings) {
    if (finding.dismissal == nullptr && Concerns(finding, hosts)) {
      worst = std::max(worst, finding.severity);
    }
  }
  switch (worst) {
    case Severity::kCritical:
      return {HealthStatus::kCritical, ""};
    case Severity::kWarning:
      return {HealthStatus::kWarning, ""};
    case Severity::kInfo:
      break;
  }
  return {HealthStatus::kOk, ""};
}

}  // namespace sasd::health
