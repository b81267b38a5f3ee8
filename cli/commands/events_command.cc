#include "cli/commands/events_command.h"

#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "cli/output/event_output.h"
#include "cli/output/format.h"
#include "cli/query/finder.h"
#include "cli/query/place_reader.h"
#include "cli/query/time_spec.h"
#include "cli/query/watch_filter.h"
#include "rpc/did_you_mean.h"
#include "sas/v1/history_service.grpc.pb.h"

namespace sasd::cli {
namespace {

using sas::v1::HistoryService;

// The value of an enum that a word such as "firmware-event" names.
template <typename Enum>
absl::StatusOr<Enum> ParseEnum(absl::string_view option, absl::string_view word) {
  const google::protobuf::EnumDescriptor& type = *google::protobuf::GetEnumDescriptor<Enum>();
  const std::string wanted = absl::StrReplaceAll(absl::AsciiStrToLower(word), {{"_", "-"}});
  std::vector<std::string> words;
  for (int i = 0; i < type.value_count(); ++i) {
    const std::string text = ShortEnum(type, type.value(i)->number());
    if (text.empty()) continue;
    if (text == wanted) return static_cast<Enum>(type.value(i)->number());
    words.push_back(text);
  }
  return absl::InvalidArgumentError(absl::StrCat(option, ": unknown value \"", word, "\"",
                                                 rpc::DidYouMean(word, words),
                                                 " (values: ", absl::StrJoin(words, ", "), ")"));
}

void SetTime(absl::Time time, google::protobuf::Timestamp* out) {
  const int64_t nanos = absl::ToUnixNanos(time);
  out->set_seconds(nanos / 1'000'000'000);
  out->set_nanos(static_cast<int32_t>(nanos % 1'000'000'000));
}

absl::Status AddTimes(const EventsOptions& options, const Context& context,
                      sas::v1::ListEventsRequest& request) {
  std::optional<absl::Time> since, until;
  if (!options.since.empty()) {
    const auto time = ParseTime("--since", options.since, context.clock);
    if (!time.ok()) return time.status();
    since = *time;
    SetTime(*since, request.mutable_start_time());
  }
  if (!options.until.empty()) {
    const auto time = ParseTime("--until", options.until, context.clock);
    if (!time.ok()) return time.status();
    until = *time;
    SetTime(*until, request.mutable_end_time());
  }
  if (since.has_value() && until.has_value() && *until <= *since) {
    return absl::InvalidArgumentError(
        absl::StrCat("--until ", DateAndSecond(request.end_time(), context.clock),
                     " is not after --since ", DateAndSecond(request.start_time(), context.clock)));
  }
  return absl::OkStatus();
}

absl::StatusOr<sas::v1::ListEventsRequest> MakeRequest(const EventsOptions& options,
                                                       const Context& context) {
  sas::v1::ListEventsRequest request;
  request.set_page_size(1000);
  request.set_after_revision(options.after);
  request.set_newest_count(options.last);
  if (options.reverse) request.set_order(sas::v1::ORDER_NEWEST_FIRST);
  if (absl::Status s = AddTimes(options, context, request); !s.ok()) return s;
  for (const std::string& object : options.objects) request.add_objects(PlainQuery(object));
  for (const std::string& words : options.causes) {
    for (const absl::string_view word : absl::StrSplit(words, ',')) {
      const auto cause = ParseEnum<sas::v1::CauseKind>("--cause", word);
      if (!cause.ok()) return cause.status();
      request.add_cause_kinds(*cause);
    }
  }
  if (!options.severity.empty()) {
    const auto severity = ParseEnum<sas::v1::Severity>("--severity", options.severity);
    if (!severity.ok()) return severity.status();
    request.set_minimum_severity(*severity);
  }
  auto filter = ParseWatchFilter(options.filters, context);
  if (!filter.ok()) return filter.status();
  *request.mutable_filter() = *std::move(filter);
  return request;
}

// Reports a history that begins later than the time asked for.
void NoteBeginning(const sas::v1::ListEventsRequest& request, const Context& context) {
  sas::v1::ListEventsRequest first;
  first.set_page_size(1);
  const auto response = context.Call(*context.Stub<sas::v1::HistoryService>(),
                                     &HistoryService::StubInterface::ListEvents, first);
  if (!response.ok() || response->events().empty()) return;
  const google::protobuf::Timestamp& begin = response->events(0).time();
  if (begin.seconds() <= request.start_time().seconds()) return;
  context.err << "sasctl: the history begins at " << DateAndSecond(begin, context.clock)
              << ", revision " << response->events(0).revision() << '\n';
}

// Prints a page: its events, with the gaps where they are.
void PrintPage(const sas::v1::ListEventsResponse& page, bool reverse, EventPrinter& printer) {
  auto gap = page.gaps().begin();
  const auto print_gaps_before = [&](const sas::v1::Event& event) {
    for (; gap != page.gaps().end(); ++gap) {
      const bool own = event.gap().last_revision() == gap->last_revision();
      const bool before = reverse ? gap->last_revision() > event.revision()
                                  : gap->last_revision() < event.revision();
      if (!before && !own) return;
      if (!own) printer.Lost(*gap);
    }
  };
  for (const sas::v1::Event& event : page.events()) {
    print_gaps_before(event);
    printer.Event(event);
  }
  for (; gap != page.gaps().end(); ++gap) printer.Lost(*gap);
}

}  // namespace

absl::Status RunEvents(const EventsOptions& options, const Context& context) {
  // A wrong form is known before sasd is asked for anything.
  if (const auto form = NewEventPrinter(options.output, context.out, EventStyle()); !form.ok()) {
    return form.status();
  }
  auto request = MakeRequest(options, context);
  if (!request.ok()) return request.status();
  const auto printer = NewEventPrinter(
      options.output, context.out,
      {context.paint, context.clock, options.verbose, ReadPlaceNames(context), context.screen});
  while (true) {
    const auto page = context.Call(*context.Stub<sas::v1::HistoryService>(),
                                   &HistoryService::StubInterface::ListEvents, *request);
    if (!page.ok()) return page.status();
    const bool first = request->page_token().empty();
    if (first && request->has_start_time() && page->oldest_revision() > 1) {
      NoteBeginning(*request, context);
    }
    PrintPage(*page, options.reverse, **printer);
    if (page->next_page_token().empty()) (*printer)->Flush();
    if (!context.Flush() || page->next_page_token().empty()) return absl::OkStatus();
    request->set_page_token(page->next_page_token());
  }
}

}  // namespace sasd::cli
