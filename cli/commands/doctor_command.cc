#include "cli/commands/doctor_command.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/commands/health_command.h"
#include "cli/output/format.h"
#include "cli/output/output_form.h"
#include "cli/query/local_diagnosis.h"
#include "sas/v1/node_service.grpc.pb.h"

namespace sasd::cli {
namespace {

using sas::v1::Check;
using sas::v1::DiagnoseResponse;

// An unknown status, of a newer sasd, counts as a warning.
int CodeOf(sas::v1::CheckStatus status) {
  switch (status) {
    case sas::v1::CHECK_STATUS_OK:
      return kHealthOk;
    case sas::v1::CHECK_STATUS_BROKEN:
      return kHealthCritical;
    default:
      return kHealthWarning;
  }
}

std::string Painted(const Paint& paint, int code, absl::string_view text) {
  return code == kHealthOk        ? paint.Green(text)
         : code == kHealthWarning ? paint.Yellow(text)
                                  : paint.Red(text);
}

int64_t CountOf(const DiagnoseResponse& response, int code) {
  return std::count_if(response.checks().begin(), response.checks().end(),
                       [code](const Check& check) { return CodeOf(check.status()) == code; });
}

std::string Summary(const DiagnoseResponse& response, int code, const Context& context) {
  static constexpr const char* kWords[] = {"OK", "LIMITED", "BROKEN", "UNKNOWN"};
  const std::string word = Painted(context.paint, code, kWords[code]);
  if (code == kHealthUnknown) {
    return absl::StrCat(word, ": sasd at ", context.endpoint.address,
                        response.checks().empty() ? " reports no checks" : " does not answer");
  }
  return absl::StrCat(word, ": ", CountOf(response, kHealthCritical), " broken, ",
                      CountOf(response, kHealthWarning), " limited, ", CountOf(response, kHealthOk),
                      " ok");
}

void PrintCheck(const Check& check, const Context& context) {
  context.out << "  " << context.paint.Bold(check.subject()) << ": " << check.message() << '\n';
  if (!check.remedy().empty()) {
    context.out << "    " << check.remedy() << (check.command().empty() ? "" : ":") << '\n';
  }
  if (!check.command().empty()) {
    context.out << "    $ " << context.paint.Cyan(check.command()) << '\n';
  }
}

void PrintGroups(const DiagnoseResponse& response, int code, const Context& context) {
  context.out << Summary(response, code, context) << '\n';
  const std::pair<int, const char*> groups[] = {
      {kHealthCritical, "broken"}, {kHealthWarning, "limited"}, {kHealthOk, "ok"}};
  for (const auto& [group, title] : groups) {
    if (CountOf(response, group) == 0) continue;
    context.out << Painted(context.paint, group, title) << '\n';
    for (const Check& check : response.checks()) {
      if (CodeOf(check.status()) == group) PrintCheck(check, context);
    }
  }
}

void Print(const DiagnoseResponse& response, Output output, int code, const Context& context) {
  if (output == Output::kJsonl) {
    for (const Check& check : response.checks()) PrintMessage(check, output, context.out);
  } else if (!PrintMessage(response, output, context.out)) {
    PrintGroups(response, code, context);
  }
}

}  // namespace

absl::StatusOr<int> RunDoctor(const DoctorOptions& options, const Context& context) {
  const auto output = ParseOutput(options.output);
  if (!output.ok()) return output.status();
  const auto answer =
      context.Call(*context.Stub<sas::v1::NodeService>(),
                   &sas::v1::NodeService::StubInterface::Diagnose, sas::v1::DiagnoseRequest());
  if (answer.ok()) {
    int code = answer->checks().empty() ? kHealthUnknown : kHealthOk;
    for (const Check& check : answer->checks()) code = std::max(code, CodeOf(check.status()));
    Print(*answer, *output, code, context);
    return code;
  }
  if (!absl::IsUnavailable(answer.status()) && !absl::IsDeadlineExceeded(answer.status())) {
    return answer.status();
  }
  DiagnoseResponse local;
  for (Check& check : DiagnoseLocally(context.endpoint.address, answer.status())) {
    *local.add_checks() = std::move(check);
  }
  Print(local, *output, kHealthUnknown, context);
  return kHealthUnknown;
}

}  // namespace sasd::cli
