#include "cli/output/finding_lines.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "cli/output/format.h"
#include "cli/output/table_layout.h"

namespace sasd::cli {
namespace {

using sas::v1::Finding;

std::string Painted(const Paint& paint, sas::v1::HealthStatus status, const std::string& text) {
  switch (status) {
    case sas::v1::HEALTH_STATUS_CRITICAL:
      return paint.Red(text);
    case sas::v1::HEALTH_STATUS_OK:
      return paint.Green(text);
    default:
      return paint.Yellow(text);
  }
}

sas::v1::HealthStatus StatusOf(const Finding& finding) {
  if (!Counts(finding)) return sas::v1::HEALTH_STATUS_OK;
  switch (finding.severity()) {
    case sas::v1::SEVERITY_CRITICAL:
      return sas::v1::HEALTH_STATUS_CRITICAL;
    case sas::v1::SEVERITY_WARNING:
      return sas::v1::HEALTH_STATUS_WARNING;
    default:
      return sas::v1::HEALTH_STATUS_OK;
  }
}

std::string MessageOf(const Finding& finding) {
  if (!finding.has_dismissal()) return finding.message();
  return absl::StrCat(finding.message(), " (dismissed: ", finding.dismissal().reason(), ")");
}

std::vector<std::string> Cells(const Finding& finding) {
  const bool is_root = finding.root_cause().empty();
  return {EnumText(finding.severity()), absl::StrCat(is_root ? "" : "  ", finding.reason()),
          MessageOf(finding)};
}

}  // namespace

bool Counts(const Finding& finding) { return !finding.has_dismissal(); }

sas::v1::HealthStatus StatusOf(const sas::v1::ListFindingsResponse& response) {
  if (response.status() != sas::v1::HEALTH_STATUS_UNSPECIFIED) return response.status();
  sas::v1::HealthStatus worst = sas::v1::HEALTH_STATUS_OK;
  for (const Finding& finding : response.findings()) worst = std::max(worst, StatusOf(finding));
  return worst;
}

std::string StatusWord(const sas::v1::ListFindingsResponse& response, const Paint& paint) {
  const sas::v1::HealthStatus status = StatusOf(response);
  switch (status) {
    case sas::v1::HEALTH_STATUS_OK:
      return Painted(paint, status, "OK");
    case sas::v1::HEALTH_STATUS_WARNING:
      return Painted(paint, status, "WARNING");
    case sas::v1::HEALTH_STATUS_CRITICAL:
      return Painted(paint, status, "CRITICAL");
    default:
      return Painted(paint, status, "UNKNOWN");
  }
}

std::vector<std::string> FindingLines(const std::vector<const Finding*>& findings,
                                      const Paint& paint) {
  // The message is last: it needs no width.
  TableLayout layout({false, false, false});
  for (const Finding* finding : findings) {
    std::vector<std::string> cells = Cells(*finding);
    cells.back().clear();
    layout.Fit(cells);
  }
  std::vector<std::string> lines;
  for (const Finding* finding : findings) {
    lines.push_back(Painted(paint, StatusOf(*finding), layout.Line(Cells(*finding))));
  }
  return lines;
}

}  // namespace sasd::cli
