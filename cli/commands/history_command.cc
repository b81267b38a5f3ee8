#include "cli/commands/history_command.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "cli/output/cause_text.h"
#include "cli/output/event_lines.h"
#include "cli/output/format.h"
#include "cli/output/output_form.h"
#include "cli/output/table_layout.h"
#include "cli/query/finder.h"
#include "cli/query/place_reader.h"
#include "cli/query/time_spec.h"
#include "cli/query/watch_filter.h"
#include "sas/v1/history_service.grpc.pb.h"

namespace sasd::cli {
namespace {

using sas::v1::GetDifferencesResponse;
using sas::v1::GetTimelineResponse;
using sas::v1::HistoryService;
using sas::v1::TimelineEntry;

// ---------------------------------------------------------------------------------------- history

// The resource names in a text, as people know them: "5000ccab03001100/3".
std::string WithShortNames(const std::string& text) {
  std::vector<std::string> words = absl::StrSplit(text, ' ');
  for (std::string& word : words) {
    const bool name = absl::StartsWith(word, "hosts/") || absl::StartsWith(word, "enclosures/") ||
                      absl::StartsWith(word, "logicalUnits/");
    if (!name) continue;
    absl::string_view bare = word;
    while (!bare.empty() && absl::StrContains(",;:.", bare.substr(bare.size() - 1))) {
      bare.remove_suffix(1);
    }
    word = absl::StrCat(ShortName(bare), word.substr(bare.size()));
  }
  return absl::StrJoin(words, " ");
}

// The object itself among the resources of a timeline: of a drive and its paths the drive.
std::string MainResource(const GetTimelineResponse& timeline) {
  const auto unit = absl::c_find_if(timeline.resources(), [](const std::string& name) {
    return absl::StartsWith(name, "logicalUnits/");
  });
  if (unit != timeline.resources().end()) return *unit;
  return timeline.resources().empty() ? "" : timeline.resources(0);
}

bool IsSlot(absl::string_view name) { return CollectionOf(name) == "slots"; }

std::string PlacementCause(const sas::v1::Placement& placement) {
  if (!placement.has_end_cause()) return "";
  sas::v1::Change change;
  sas::v1::LogicalUnit& unit = *change.mutable_resource()->mutable_logical_unit();
  unit.set_name(placement.logical_unit());
  return absl::StrCat("(", ReasonFor(change, placement.end_cause()), ")");
}

// Where a drive has been, or who sat in a slot: a line each, the newest first.
void PrintPlacements(const GetTimelineResponse& timeline, bool is_slot, const PlaceNames& names,
                     const Context& context) {
  if (timeline.placements().empty()) return;
  std::vector<std::vector<std::string>> rows = {
      {"  FROM", "UNTIL", is_slot ? "DRIVE" : "SLOT", ""}};
  for (const sas::v1::Placement& placement : timeline.placements()) {
    std::string from =
        placement.has_start_time() ? DateAndSecond(placement.start_time(), context.clock) : "?";
    if (placement.start_unknown() && placement.has_start_time())
      absl::StrAppend(&from, " or before");
    std::string drive = absl::StrJoin({placement.model(), placement.serial()}, " ");
    drive = std::string(absl::StripAsciiWhitespace(drive));
    if (drive.empty()) drive = ShortName(placement.logical_unit());
    rows.push_back(
        {absl::StrCat("  ", from),
         placement.has_end_time() ? DateAndSecond(placement.end_time(), context.clock) : "now",
         is_slot ? drive : names.InText(ShortName(placement.slot())),
         names.InText(PlacementCause(placement))});
  }
  TableLayout layout(std::vector<bool>(4, false));
  for (auto& row : rows) layout.Fit(row);
  context.out << (is_slot ? "who sat here:\n" : "where it has been:\n");
  for (const auto& row : rows) context.out << layout.Line(row) << '\n';
}

void PrintEntry(const TimelineEntry& entry, absl::string_view main, const PlaceNames& names,
                const Context& context) {
  if (entry.has_gap()) {
    context.out << context.paint.Yellow(absl::StrCat("--- gap: ", LossText(entry.gap()), " ---"))
                << '\n';
    return;
  }
  const std::string head =
      absl::StrCat("r", entry.revision(), " ", EventTime(entry.time(), context.clock));
  std::string text = WithShortNames(entry.text());
  // What sat in the slot says who it is.
  if (IsSlot(main) && entry.resource() != main) {
    text = absl::StrCat(ShortName(entry.resource()), ": ", text);
  }
  context.out << context.paint.Dim(head) << ' '
              << PaintBySeverity(entry.severity(), names.InText(text), context.paint) << '\n';
}

// The whole timeline, in the order in which it is printed.
absl::StatusOr<GetTimelineResponse> ReadTimeline(const HistoryOptions& options,
                                                 const Context& context) {
  sas::v1::GetTimelineRequest request;
  request.set_object(PlainQuery(options.object));
  // The newest so many are read from the newest on.
  const bool newest_first = options.reverse || options.last > 0;
  request.set_order(newest_first ? sas::v1::ORDER_NEWEST_FIRST : sas::v1::ORDER_OLDEST_FIRST);
  request.set_page_size(
      options.last > 0 ? static_cast<int32_t>(std::min<int64_t>(options.last, 1000)) : 1000);
  GetTimelineResponse all;
  while (true) {
    auto page = context.Call(*context.Stub<sas::v1::HistoryService>(),
                             &HistoryService::StubInterface::GetTimeline, request);
    if (!page.ok()) return page.status();
    if (request.page_token().empty()) {
      all = *std::move(page);
    } else {
      all.mutable_entries()->MergeFrom(page->entries());
      all.set_next_page_token(page->next_page_token());
    }
    const bool enough = options.last > 0 && all.entries_size() >= options.last;
    if (all.next_page_token().empty() || enough) break;
    request.set_page_token(all.next_page_token());
  }
  all.clear_next_page_token();
  auto& entries = *all.mutable_entries();
  if (options.last > 0 && entries.size() > options.last) {
    entries.DeleteSubrange(static_cast<int>(options.last),
                           entries.size() - static_cast<int>(options.last));
  }
  if (newest_first && !options.reverse) std::reverse(entries.begin(), entries.end());
  return all;
}

// ------------------------------------------------------------------------------------------- diff

absl::StatusOr<sas::v1::GetDifferencesRequest> MakeRequest(const DiffOptions& options,
                                                           const Context& context) {
  sas::v1::GetDifferencesRequest request;
  request.set_page_size(1000);
  absl::string_view number = options.since;
  absl::ConsumePrefix(&number, "r");
  int64_t revision = 0;
  if (!number.empty() && absl::c_all_of(number, absl::ascii_isdigit) &&
      absl::SimpleAtoi(number, &revision)) {
    request.set_revision(revision);
  } else {
    const auto time = ParseTime("--since", options.since, context.clock);
    if (!time.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(time.status().message(), ", or a revision such as 42"));
    }
    const int64_t nanos = absl::ToUnixNanos(*time);
    request.mutable_time()->set_seconds(nanos / 1'000'000'000);
    request.mutable_time()->set_nanos(static_cast<int32_t>(nanos % 1'000'000'000));
  }
  auto filter = ParseWatchFilter(options.filters, context);
  if (!filter.ok()) return filter.status();
  *request.mutable_filter() = *std::move(filter);
  return request;
}

absl::StatusOr<GetDifferencesResponse> ReadDifferences(const DiffOptions& options,
                                                       const Context& context) {
  auto request = MakeRequest(options, context);
  if (!request.ok()) return request.status();
  GetDifferencesResponse all;
  while (true) {
    auto page = context.Call(*context.Stub<sas::v1::HistoryService>(),
                             &HistoryService::StubInterface::GetDifferences, *request);
    if (!page.ok()) return page.status();
    if (request->page_token().empty()) {
      all = *std::move(page);
    } else {
      all.mutable_changes()->MergeFrom(page->changes());
      all.set_next_page_token(page->next_page_token());
    }
    if (all.next_page_token().empty()) return all;
    request->set_page_token(all.next_page_token());
  }
}

}  // namespace

absl::Status RunHistory(const HistoryOptions& options, const Context& context) {
  const auto output = ParseOutput(options.output);
  if (!output.ok()) return output.status();
  const auto timeline = ReadTimeline(options, context);
  if (!timeline.ok()) return timeline.status();
  if (*output == Output::kName) {
    for (const std::string& name : timeline->resources()) context.out << name << '\n';
    return absl::OkStatus();
  }
  if (*output == Output::kJsonl) {
    for (const TimelineEntry& entry : timeline->entries()) {
      PrintMessage(entry, *output, context.out);
    }
    return absl::OkStatus();
  }
  if (PrintMessage(*timeline, *output, context.out)) return absl::OkStatus();
  const std::string main = MainResource(*timeline);
  const PlaceNames names = ReadAliases(context);
  context.out << context.paint.Bold(main) << '\n';
  PrintPlacements(*timeline, IsSlot(main), names, context);
  for (const TimelineEntry& entry : timeline->entries()) PrintEntry(entry, main, names, context);
  if (timeline->entries().empty()) context.out << "nothing happened to it\n";
  if (timeline->has_oldest_time()) {
    context.out << context.paint.Dim(
                       absl::StrCat("the history begins at ",
                                    DateAndSecond(timeline->oldest_time(), context.clock)))
                << '\n';
  }
  return absl::OkStatus();
}

absl::Status RunDiff(const DiffOptions& options, const Context& context) {
  const auto output = ParseOutput(options.output);
  if (!output.ok()) return output.status();
  const auto differences = ReadDifferences(options, context);
  if (!differences.ok()) return differences.status();
  if (*output == Output::kName || *output == Output::kJsonl) {
    for (const sas::v1::Change& change : differences->changes()) {
      if (!PrintMessage(change, *output, context.out)) {
        context.out << NameOf(change.resource()) << '\n';
      }
    }
    return absl::OkStatus();
  }
  if (PrintMessage(*differences, *output, context.out)) return absl::OkStatus();
  const PlaceNames names = ReadAliases(context);
  for (const sas::v1::Gap& gap : differences->gaps()) {
    context.out << context.paint.Yellow(absl::StrCat("--- gap: ", LossText(gap), " ---")) << '\n';
  }
  for (const sas::v1::Change& change : differences->changes()) {
    context.out << names.InText(ChangeText(change, context.paint)) << '\n';
  }
  context.out << context.paint.Dim(absl::StrCat(differences->changes_size(), " difference",
                                                differences->changes_size() == 1 ? "" : "s",
                                                " between revision ", differences->since_revision(),
                                                " and ", differences->revision()))
              << '\n';
  return absl::OkStatus();
}

}  // namespace sasd::cli
