#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "daemon/health/rules.h"

namespace sasd::health {
namespace {

using registry::Host;

Finding OfSasd(Severity severity, FindingReason reason, std::string message) {
  Finding finding;
  finding.severity = severity;
  finding.id.reason = reason;
  finding.message = std::move(message);
  return finding;
}

void ExamineStaleHosts(const Examined& examined, std::vector<Finding>& findings) {
  for (const NodeFacts::StaleHost& stale : examined.facts.stale_hosts) {
    const Host* host = examined.topology.collection<Host>().Find(stale.host);
    // The gate may be ahead of what is published, or behind.
    if (!stale.not_read || host == nullptr || !host->stale) continue;
    AddFinding(Severity::kWarning, FindingReason::kHostNotRead, *host, {stale.host},
               absl::StrCat("host ", ToText(stale.host),
                            " was not read since sasd started, so its state is from before; sasd "
                            "waits for ",
                            stale.waits_for),
               findings);
  }
}

std::string Day(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d %H:%M UTC", time, absl::UTCTimeZone());
}

// One finding for each reason: they are about sasd itself, and it has no resource that would tell
// them apart.
void ExamineCertificates(const Examined& examined, std::vector<Finding>& findings) {
  std::vector<std::string> expires, expired, unusable;
  for (const NodeFacts::Certificate& each : examined.facts.certificates) {
    if (!each.error.empty()) {
      unusable.push_back(absl::StrCat("certificate ", each.name, ": ", each.error));
    } else if (examined.now < each.begin) {
      unusable.push_back(
          absl::StrCat("certificate ", each.name, " is not valid before ", Day(each.begin)));
    } else if (examined.now >= each.end) {
      expired.push_back(absl::StrCat("certificate ", each.name, " ended at ", Day(each.end)));
    } else if (each.end - examined.now <= kCertificateNotice) {
      expires.push_back(absl::StrCat("certificate ", each.name, " ends at ", Day(each.end)));
    }
  }
  const auto add = [&findings](Severity severity, FindingReason reason,
                               const std::vector<std::string>& texts) {
    if (!texts.empty()) findings.push_back(OfSasd(severity, reason, absl::StrJoin(texts, "; ")));
  };
  add(Severity::kWarning, FindingReason::kCertificateExpires, expires);
  add(Severity::kCritical, FindingReason::kCertificateExpired, expired);
  add(Severity::kCritical, FindingReason::kCertificateUnusable, unusable);
}

}  // namespace

void ExamineNode(const Examined& examined, std::vector<Finding>& findings) {
  const NodeFacts& facts = examined.facts;
  if (examined.baseline.lost) {
    findings.push_back(OfSasd(
        Severity::kCritical, FindingReason::kBaselineLost,
        "what belongs to this node was lost: what went missing before is not known; check the "
        "node, then run sasctl baseline accept"));
  }
  if (facts.journal == NodeFacts::Journal::kStalled) {
    findings.push_back(
        OfSasd(Severity::kCritical, FindingReason::kJournalStalled,
               absl::StrCat("events are not written to the journal: ", facts.journal_message)));
  } else if (facts.journal == NodeFacts::Journal::kRefused) {
    findings.push_back(
        OfSasd(Severity::kWarning, FindingReason::kJournalRefused,
               absl::StrCat("sasd serves from memory alone: ", facts.journal_message)));
  }
  ExamineStaleHosts(examined, findings);
  ExamineCertificates(examined, findings);
  if (!facts.unreadable_hosts.empty()) {
    // They have no address that would name them, so one finding lists all.
    findings.push_back(
        OfSasd(Severity::kWarning, FindingReason::kHostUnreadable,
               absl::StrJoin(facts.unreadable_hosts, "; ",
                             [](std::string* out, const NodeFacts::UnreadableHost& host) {
                               absl::StrAppend(out, host.name, " cannot be read: ", host.reason);
                             })));
  }
}

}  // namespace sasd::health
