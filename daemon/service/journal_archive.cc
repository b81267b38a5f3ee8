#include "daemon/service/journal_archive.h"

#include "daemon/service/event_decoder.h"

namespace sasd::service {

absl::StatusOr<watch::EventArchive::Page> JournalArchive::ReadAfter(int64_t after, int64_t until,
                                                                    size_t max_events,
                                                                    size_t max_bytes) {
  journal::Query query;
  query.after = after;
  query.until = until;
  query.limit = max_events;
  query.max_bytes = max_bytes;
  absl::StatusOr<journal::Page> rows = journal_.Read(query);
  if (absl::IsOutOfRange(rows.status())) {  // trimmed: from the first one on
    query.after = 0;
    rows = journal_.Read(query);
  }
  if (!rows.ok()) return rows.status();
  Page page;
  page.floor = rows->trimmed;
  page.events.reserve(rows->rows.size());
  for (const journal::EventRow& row : rows->rows) {
    absl::StatusOr<watch::EncodedEventPtr> event = DecodeEvent(row.payload);
    // A row that is no event is missing, like one that is damaged.
    if (event.ok() && (*event)->revision() == row.revision) {
      page.events.push_back(*std::move(event));
    }
  }
  return page;
}

absl::StatusOr<std::optional<watch::EventArchive::Gap>> JournalArchive::FindGap(int64_t revision) {
  // The gap of the start is in the journal only with the first event after it.
  if (const std::optional<journal::Gap>& gap = journal_.start().gap;
      gap.has_value() && gap->Contains(revision)) {
    return Gap{gap->first, gap->last};
  }
  const absl::StatusOr<std::optional<journal::Gap>> gap = journal_.FindGap(revision);
  if (!gap.ok()) return gap.status();
  if (!gap->has_value()) return std::optional<Gap>();
  return Gap{(*gap)->first, (*gap)->last};
}

}  // namespace sasd::service
