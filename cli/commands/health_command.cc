#include "cli/commands/health_command.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/output/finding_lines.h"
#include "cli/output/format.h"
#include "cli/output/output_form.h"
#include "cli/query/finder.h"
#include "sas/v1/node_service.grpc.pb.h"

namespace sasd::cli {
namespace {

using sas::v1::Finding;
using sas::v1::ListFindingsResponse;

int CodeOf(sas::v1::Severity severity) {
  switch (severity) {
    case sas::v1::SEVERITY_CRITICAL:
      return kHealthCritical;
    case sas::v1::SEVERITY_WARNING:
      return kHealthWarning;
    default:
      return kHealthOk;
  }
}

int CodeOf(const ListFindingsResponse& response) {
  switch (StatusOf(response)) {
    case sas::v1::HEALTH_STATUS_OK:
      return kHealthOk;
    case sas::v1::HEALTH_STATUS_WARNING:
      return kHealthWarning;
    case sas::v1::HEALTH_STATUS_CRITICAL:
      return kHealthCritical;
    default:
      return kHealthUnknown;
  }
}

std::string Summary(const ListFindingsResponse& response, int code, const Paint& paint) {
  const auto count = [&response](int wanted) -> int64_t {
    return std::count_if(
        response.findings().begin(), response.findings().end(), [wanted](const Finding& f) {
          return Counts(f) && f.root_cause().empty() && CodeOf(f.severity()) == wanted;
        });
  };
  const int64_t critical = count(kHealthCritical), warnings = count(kHealthWarning);
  std::string text = absl::StrCat(StatusWord(response, paint), ": ");
  if (code == kHealthUnknown) absl::StrAppend(&text, response.status_message());
  if (code == kHealthOk) absl::StrAppend(&text, "nothing is wrong");
  if (code != kHealthOk && (code != kHealthUnknown || critical + warnings > 0)) {
    absl::StrAppend(&text, code == kHealthUnknown ? "; " : "", critical, " critical, ",
                    CountText(warnings, "warning"));
  }
  absl::StrAppend(&text, ", ", CountText(response.examined_count(), "object"),
                  " examined at revision ", response.revision());
  if (response.dismissed_count() > 0) {
    absl::StrAppend(&text, ", ", response.dismissed_count(), " dismissed");
  }
  return text;
}

// Each finding that follows from another one comes after it, indented.
std::vector<const Finding*> InOrder(const ListFindingsResponse& response) {
  std::multimap<std::string, const Finding*> consequences;
  for (const Finding& finding : response.findings()) {
    if (!finding.root_cause().empty()) consequences.emplace(finding.root_cause(), &finding);
  }
  std::vector<const Finding*> ordered;
  for (const Finding& finding : response.findings()) {
    if (!finding.root_cause().empty()) continue;
    ordered.push_back(&finding);
    const auto range = consequences.equal_range(finding.name());
    for (auto it = range.first; it != range.second; ++it) ordered.push_back(it->second);
  }
  return ordered;
}

void PrintLines(const ListFindingsResponse& response, int code, const Context& context) {
  context.out << Summary(response, code, context.paint) << '\n';
  for (const std::string& line : FindingLines(InOrder(response), context.paint)) {
    context.out << line << '\n';
  }
}

}  // namespace

absl::StatusOr<int> RunHealth(const HealthCommandOptions& options, const Context& context) {
  const auto output = ParseOutput(options.output);
  if (!output.ok()) return output.status();
  sas::v1::ListFindingsRequest request;
  for (const std::string& host : options.hosts) {
    absl::StatusOr<std::string> name = FindName(context, host, {sas::v1::RESOURCE_KIND_HOST});
    if (!name.ok()) return name.status();
    request.add_hosts(*std::move(name));
  }
  request.set_show_consequences(options.all);
  request.set_show_dismissed(options.all);
  const auto response = context.Call(*context.Stub<sas::v1::NodeService>(),
                                     &sas::v1::NodeService::StubInterface::ListFindings, request);
  if (!response.ok()) return response.status();

  const int code = CodeOf(*response);
  if (*output == Output::kName) {
    for (const Finding& finding : response->findings()) context.out << finding.resource() << '\n';
  } else if (*output == Output::kJsonl) {
    for (const Finding& finding : response->findings()) {
      PrintMessage(finding, *output, context.out);
    }
  } else if (!PrintMessage(*response, *output, context.out)) {
    PrintLines(*response, code, context);
  }
  return code;
}

}  // namespace sasd::cli
