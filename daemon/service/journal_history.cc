#include "daemon/service/journal_history.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"
#include "daemon/service/convert.h"
#include "daemon/service/event_decoder.h"
#include "sas/v1/history_service.pb.h"

namespace sasd::service {
namespace {

int64_t ToNanos(absl::Time time) {
  if (time == absl::InfinitePast() || time == absl::InfiniteFuture()) return 0;  // no bound
  return absl::ToUnixNanos(time);
}

journal::Query ToJournal(const HistoryQuery& query) {
  journal::Query out;
  out.after = query.after;
  out.until = query.until;
  out.newest_first = query.newest_first;
  out.limit = query.limit;
  out.max_bytes = query.max_bytes;
  out.objects = query.objects;
  for (int i = 0; i <= static_cast<int>(kLastCauseKind); ++i) {
    if ((query.causes & 1u << i) != 0) {
      out.causes |= uint64_t{1} << static_cast<int>(ToProto(static_cast<CauseKind>(i)));
    }
  }
  if (query.minimum_severity > Notice::Severity::kInfo) {
    out.minimum_severity = static_cast<uint8_t>(ToProto(query.minimum_severity));
  }
  out.start_nanos = ToNanos(query.start);
  out.end_nanos = ToNanos(query.end);
  return out;
}

HistoryGap ToGap(const journal::Gap& gap) {
  return {gap.first, gap.last, static_cast<int>(gap.reason)};
}

// Puts a gap in its place. A page has few.
void InsertGap(const HistoryGap& gap, bool newest_first, std::vector<HistoryGap>& gaps) {
  auto at = std::find_if(gaps.begin(), gaps.end(), [&](const HistoryGap& other) {
    return newest_first ? other.first < gap.first : other.first > gap.first;
  });
  gaps.insert(at, gap);
}

// Appends the page that follows.
void Append(HistoryPage more, HistoryPage& page) {
  std::move(more.events.begin(), more.events.end(), std::back_inserter(page.events));
  for (const HistoryGap& gap : more.gaps) {
    // The gap at the seam may stand in both.
    const bool known = std::any_of(page.gaps.begin(), page.gaps.end(), [&](const HistoryGap& g) {
      return g.first == gap.first && g.last == gap.last;
    });
    if (!known) page.gaps.push_back(gap);
  }
  page.done = more.done;
  page.position = more.position;
}

size_t BytesOf(const HistoryPage& page) {
  size_t bytes = 0;
  for (const watch::EncodedEventPtr& event : page.events) bytes += event->all().size();
  return bytes;
}

// What a query still may have after a part of its page. False: nothing.
bool Rest(const HistoryPage& page, HistoryQuery& query) {
  const size_t bytes = BytesOf(page);
  if (page.events.size() >= query.limit || bytes >= query.max_bytes) return false;
  query.limit -= page.events.size();
  query.max_bytes -= bytes;
  return true;
}

}  // namespace

absl::StatusOr<int64_t> JournalHistory::Seam() const {
  const absl::StatusOr<HistoryExtent> log = log_.Extent();
  if (!log.ok()) return log.status();
  return log->oldest;
}

absl::StatusOr<HistoryExtent> JournalHistory::Extent() const {
  const absl::StatusOr<HistoryExtent> log = log_.Extent();
  if (!log.ok()) return log.status();
  journal::Query first;
  first.limit = 1;
  const absl::StatusOr<journal::Page> page = journal_.Read(first);
  if (!page.ok()) return page.status();
  HistoryExtent extent = *log;
  extent.begin = page->trimmed;
  if (!page->rows.empty() && page->rows[0].revision < extent.oldest) {
    extent.oldest = page->rows[0].revision;
    extent.oldest_time = absl::FromUnixNanos(page->rows[0].unix_nanos);
  }
  return extent;
}

absl::StatusOr<HistoryPage> JournalHistory::ReadJournal(const HistoryQuery& query,
                                                        Cancelled cancelled) const {
  journal::Query rows = ToJournal(query);
  absl::StatusOr<journal::Page> page = journal_.Read(rows, cancelled);
  if (absl::IsOutOfRange(page.status())) {  // what is trimmed, the caller sees by Extent()
    rows.after = 0;
    page = journal_.Read(rows, cancelled);
  }
  if (!page.ok()) return page.status();
  HistoryPage out;
  for (const journal::Gap& gap : page->gaps) out.gaps.push_back(ToGap(gap));
  for (const journal::EventRow& row : page->rows) {
    if (cancelled()) return WorkCancelled();
    const absl::StatusOr<watch::EncodedEventPtr> event = DecodeEvent(row.payload);
    if (event.ok() && (*event)->revision() == row.revision) {
      out.events.push_back(*event);
    } else {
      InsertGap({row.revision, row.revision, sas::v1::GAP_REASON_JOURNAL_DAMAGED},
                query.newest_first, out.gaps);
    }
  }
  out.done = !page->more;
  out.position = page->next;
  return out;
}

absl::StatusOr<HistoryPage> JournalHistory::Read(const HistoryQuery& query,
                                                 Cancelled cancelled) const {
  if (cancelled()) return WorkCancelled();
  const absl::StatusOr<int64_t> found = Seam();
  if (!found.ok()) return found.status();
  int64_t seam = *found;
  const auto from_journal = [&](HistoryQuery rest) -> absl::StatusOr<HistoryPage> {
    rest.until = rest.until == 0 ? seam : std::min(rest.until, seam);
    if (rest.after >= rest.until - 1) return HistoryPage();
    return ReadJournal(rest, cancelled);
  };
  HistoryQuery rest = query;
  if (query.newest_first) {
    HistoryQuery recent = query;
    recent.after = std::max(query.after, seam - 1);
    absl::StatusOr<HistoryPage> page = log_.Read(recent, cancelled);
    if (!page.ok() || !page->done) return page;
    // What the log trimmed meanwhile is in the journal.
    const absl::StatusOr<int64_t> now = Seam();
    if (!now.ok()) return now.status();
    seam = *now;
    rest.until = query.until == 0 ? seam : std::min(query.until, seam);
    if (rest.after >= rest.until - 1) return page;
    if (!Rest(*page, rest)) {
      page->done = false;
      page->position = rest.until;
      return page;
    }
    absl::StatusOr<HistoryPage> older = from_journal(rest);
    if (!older.ok()) return older;
    // What the log trimmed after it was read is here already.
    if (!page->events.empty()) {
      const int64_t last = page->events.back()->revision();
      auto& events = older->events;
      events.erase(std::remove_if(events.begin(), events.end(),
                                  [last](const auto& event) { return event->revision() >= last; }),
                   events.end());
    }
    Append(*std::move(older), *page);
    return page;
  }
  absl::StatusOr<HistoryPage> page = from_journal(rest);
  if (!page.ok() || !page->done) return page;
  if (query.until != 0 && query.until <= seam) return page;
  rest.after = std::max(query.after, seam - 1);
  if (!Rest(*page, rest)) {
    page->done = false;
    page->position = rest.after;
    return page;
  }
  absl::StatusOr<HistoryPage> recent = log_.Read(rest, cancelled);
  if (!recent.ok()) return recent;
  const absl::StatusOr<int64_t> now = Seam();
  if (!now.ok()) return now.status();
  if (*now > seam && rest.after < *now - 1) {
    // The log trimmed what is between: the next page begins in the journal.
    page->done = false;
    page->position = rest.after;
    return page;
  }
  Append(*std::move(recent), *page);
  return page;
}

absl::Status JournalHistory::VisitRemoved(const std::function<void(const RemovedState&)>& visit,
                                          Cancelled cancelled) const {
  absl::flat_hash_set<std::string> seen;
  const auto visit_once = [&](const RemovedState& state) {
    if (seen.emplace(state.name).second) visit(state);
  };
  // The newest first: the checkpoint is of an earlier revision than the log.
  if (absl::Status s = log_.VisitRemoved(visit_once, cancelled); !s.ok()) return s;
  const absl::StatusOr<int64_t> seam = Seam();
  if (!seam.ok()) return seam.status();
  HistoryQuery between;
  between.after = journal_.state_revision();
  between.until = *seam;
  std::vector<watch::EncodedEventPtr> events;
  while (between.after < between.until - 1) {
    if (cancelled()) return WorkCancelled();
    absl::StatusOr<HistoryPage> page = ReadJournal(between, cancelled);
    if (!page.ok()) return page.status();
    std::move(page->events.begin(), page->events.end(), std::back_inserter(events));
    if (page->done) break;
    between.after = page->position;
  }
  VisitRemovedIn(events, visit_once, cancelled);
  const absl::StatusOr<int64_t> damaged = journal_.VisitState(
      [&](const journal::StateRow& row) {
        visit_once({row.name, row.resource, row.revision});
      },
      /*only_gone=*/true, cancelled);
  return cancelled() ? WorkCancelled() : damaged.status();
}

}  // namespace sasd::service
