#include "cli/commands/health_command.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "cli/output/format.h"
#include "cli/output/output_form.h"
#include "cli/output/table_layout.h"
#include "cli/query/finder.h"

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

std::string Painted(const Paint& paint, int code, const std::string& text) {
  return code == kHealthCritical  ? paint.Red(text)
         : code == kHealthWarning ? paint.Yellow(text)
                                  : paint.Green(text);
}

std::string Count(int64_t count, absl::string_view what) {
  return absl::StrCat(count, " ", what, count == 1 ? "" : "s");
}

std::string Summary(const ListFindingsResponse& response, int code, const Paint& paint) {
  static constexpr const char* kWords[] = {"OK", "WARNING", "CRITICAL"};
  const int64_t critical =
      std::count_if(response.findings().begin(), response.findings().end(),
                    [](const Finding& f) { return CodeOf(f.severity()) == kHealthCritical; });
  const int64_t warnings =
      std::count_if(response.findings().begin(), response.findings().end(),
                    [](const Finding& f) { return CodeOf(f.severity()) == kHealthWarning; });
  return absl::StrCat(Painted(paint, code, kWords[code]), ": ",
                      code == kHealthOk
                          ? "nothing is wrong"
                          : absl::StrCat(critical, " critical, ", Count(warnings, "warning")),
                      ", ", Count(response.examined_count(), "object"), " examined at revision ",
                      response.revision());
}

void PrintLines(const ListFindingsResponse& response, int code, const Context& context) {
  context.out << Summary(response, code, context.paint) << '\n';
  TableLayout layout({false, false, false});
  for (const Finding& finding : response.findings()) {
    layout.Fit({EnumText(finding.severity()), finding.reason(), ""});
  }
  for (const Finding& finding : response.findings()) {
    const std::string line =
        layout.Line({EnumText(finding.severity()), finding.reason(), finding.message()});
    context.out << Painted(context.paint, CodeOf(finding.severity()), line) << '\n';
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
  const auto response = context.Call(*context.stubs.node,
                                     &sas::v1::NodeService::StubInterface::ListFindings, request);
  if (!response.ok()) return response.status();

  int code = kHealthOk;
  for (const Finding& finding : response->findings()) {
    code = std::max(code, CodeOf(finding.severity()));
  }
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
