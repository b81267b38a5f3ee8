#include "cli/commands/baseline_command.h"

#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "cli/output/format.h"
#include "cli/output/output_form.h"
#include "cli/output/place_names.h"
#include "cli/output/table_layout.h"
#include "cli/query/baseline_reader.h"
#include "cli/query/finder.h"
#include "cli/query/place_reader.h"
#include "sas/v1/baseline_service.grpc.pb.h"

namespace sasd::cli {
namespace {

using sas::v1::BaselineEntry;
using sas::v1::BaselineService;

std::string LocalTime(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S", absl::FromUnixSeconds(time.seconds()),
                          absl::LocalTimeZone());
}

// "enclosures/5000ccab03001100 (rack3-top)"
std::string Name(const std::string& resource, const PlaceNames& names) {
  const std::string called = names.AliasOrId(resource);
  if (absl::EndsWith(resource, "/" + called)) return resource;
  return absl::StrCat(resource, " (", called, ")");
}

// "missing since 2026-03-02 03:14:07: expander ... not responding"
std::string State(const BaselineEntry& entry, const PlaceNames& names) {
  if (!entry.missing()) return "present";
  std::string text = absl::StrCat("missing since ", LocalTime(entry.missing_time()));
  if (!entry.missing_cause().text().empty()) {
    absl::StrAppend(&text, ": ", names.InText(entry.missing_cause().text()));
  }
  return text;
}

void PrintTable(const google::protobuf::RepeatedPtrField<BaselineEntry>& entries,
                const Context& context) {
  const PlaceNames names = ReadAliases(context);
  TableLayout layout({false, false, false});
  const auto cells = [&names](const BaselineEntry& entry) -> std::vector<std::string> {
    return {EnumText(entry.kind()), Name(entry.resource(), names), State(entry, names)};
  };
  for (const BaselineEntry& entry : entries) layout.Fit(cells(entry));
  for (const BaselineEntry& entry : entries) {
    const std::string line = layout.Line(cells(entry));
    context.out << (entry.missing() ? context.paint.Red(line) : line) << '\n';
  }
}

// The resource name of what is missing, by any name of it. sasd refuses what is there.
absl::StatusOr<std::string> MissingName(const std::string& object, const Context& context) {
  sas::v1::RemovedResource gone;
  const auto found = FindOne(context, object, {}, &gone);
  if (found.ok()) return NameOf(*found);
  if (gone.has_last_known()) return NameOf(gone.last_known());
  // It may be missing from before the history.
  if (absl::StrContains(object, "/") && absl::IsNotFound(found.status())) return object;
  return found.status();
}

}  // namespace

absl::Status RunShowBaseline(const BaselineOptions& options, const Context& context) {
  const auto output = ParseOutput(options.output);
  if (!output.ok()) return output.status();
  const auto all = ReadBaseline(options.missing, context);
  if (!all.ok()) return all.status();
  if (*output == Output::kName) {
    for (const BaselineEntry& entry : all->entries()) context.out << entry.resource() << '\n';
  } else if (*output == Output::kJsonl) {
    for (const BaselineEntry& entry : all->entries()) PrintMessage(entry, *output, context.out);
  } else if (!PrintMessage(*all, *output, context.out)) {
    PrintTable(all->entries(), context);
  }
  return absl::OkStatus();
}

absl::Status RunAcceptBaseline(const BaselineOptions& options, const Context& context) {
  sas::v1::AcceptBaselineRequest request;
  for (const std::string& object : options.objects) {
    const auto name = MissingName(object, context);
    if (!name.ok()) return name.status();
    request.add_resources(*name);
  }
  const auto response = context.Call(*context.Stub<sas::v1::BaselineService>(),
                                     &BaselineService::StubInterface::AcceptBaseline, request);
  if (!response.ok()) return response.status();
  context.out << "accepted: " << CountText(response->removed_entries_size(), "missing object")
              << " forgotten\n";
  PrintTable(response->removed_entries(), context);
  return absl::OkStatus();
}

absl::Status RunDismiss(const DismissOptions& options, const Context& context) {
  sas::v1::DismissRequest request;
  request.set_object(options.object);
  request.set_reason(options.reason);
  if (!options.duration.empty()) {
    absl::Duration duration;
    if (!absl::ParseDuration(options.duration, &duration) || duration <= absl::ZeroDuration()) {
      return absl::InvalidArgumentError(absl::StrCat("--for \"", options.duration,
                                                     "\" is not a duration; give one such as 2h "
                                                     "or 30m"));
    }
    request.mutable_duration()->set_seconds(absl::ToInt64Seconds(duration));
    request.mutable_duration()->set_nanos(static_cast<int32_t>(
        absl::ToInt64Nanoseconds(duration - absl::Seconds(absl::ToInt64Seconds(duration)))));
  }
  const auto response = context.Call(*context.Stub<sas::v1::BaselineService>(),
                                     &BaselineService::StubInterface::Dismiss, request);
  if (!response.ok()) return response.status();
  const sas::v1::Dismissal& dismissal = response->dismissal();
  context.out << "dismissed " << Name(dismissal.resource(), ReadAliases(context)) << ' '
              << (dismissal.has_expire_time()
                      ? absl::StrCat("until ", LocalTime(dismissal.expire_time()))
                      : "until it returns")
              << '\n';
  return absl::OkStatus();
}

absl::Status RunUndismiss(const DismissOptions& options, const Context& context) {
  sas::v1::UndismissRequest request;
  request.set_object(options.object);
  const auto response = context.Call(*context.Stub<sas::v1::BaselineService>(),
                                     &BaselineService::StubInterface::Undismiss, request);
  if (!response.ok()) return response.status();
  context.out << "undismissed " << Name(response->dismissal().resource(), ReadAliases(context))
              << '\n';
  return absl::OkStatus();
}

}  // namespace sasd::cli
