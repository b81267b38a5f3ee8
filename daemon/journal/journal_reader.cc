#include "daemon/journal/journal_reader.h"

#include <algorithm>
#include <limits>
#include <queue>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"

namespace sasd::journal {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
// Of one scan with filters, so that the budget of a query is kept.
constexpr int64_t kChunk = 16'384;

constexpr absl::string_view kColumns =
    "SELECT revision, previous, nanos, bits, checksum, objects, payload FROM events ";

bool Filters(const Query& query) {
  return query.causes != 0 || query.minimum_severity != 0 || query.start_nanos != 0 ||
         query.end_nanos != 0;
}

int64_t EndNanos(const Query& query) { return query.end_nanos == 0 ? kMax : query.end_nanos; }

}  // namespace

struct JournalReader::Statements {
  Statement meta;
  Statement oldest;
  Statement object_id;
  Statement object;
  Statement event;
  Statement events[2];  // ascending, descending
  Statement spans[2];
  Statement last_span;
  Statement gap;
  Statement gaps;
  Statement state;
};

// Fills a page within the bounds of its query.
class JournalReader::Collector {
 public:
  Collector(const Query& query, Page& page) : query_(query), page_(page) {}

  const Query& query() const { return query_; }
  bool full() const {
    return page_.rows.size() >= std::max<size_t>(query_.limit, 1) ||
           (bytes_ >= query_.max_bytes && !page_.rows.empty()) || examined_ >= query_.max_examined;
  }
  void Examine(size_t count, int64_t up_to) {
    examined_ += count;
    examined_to_ = up_to;
  }
  int64_t examined_to() const { return examined_to_; }

  void Add(EventRow row) {
    bytes_ += row.payload.size();
    page_.rows.push_back(std::move(row));
  }
  void AddDamaged(int64_t revision) {
    if (!damaged_.empty() && damaged_.back().last + 1 == revision) {
      damaged_.back().last = revision;
    } else if (!damaged_.empty() && damaged_.back().first - 1 == revision) {
      damaged_.back().first = revision;
    } else {
      damaged_.push_back({revision, revision, GapReason::kJournalDamaged});
    }
  }
  const std::vector<Gap>& damaged() const { return damaged_; }

 private:
  const Query& query_;
  Page& page_;
  std::vector<Gap> damaged_;
  size_t bytes_ = 0;
  size_t examined_ = 0;
  int64_t examined_to_ = 0;
};

JournalReader::JournalReader(Database db) : db_(std::move(db)) {}
JournalReader::~JournalReader() = default;

absl::StatusOr<std::unique_ptr<JournalReader>> JournalReader::Open(const std::string& path,
                                                                   const std::string& vfs) {
  absl::StatusOr<Database> db = Database::Open(path, {.read_only = true, .vfs = vfs});
  if (!db.ok()) return db.status();
  auto reader = absl::WrapUnique(new JournalReader(*std::move(db)));
  if (absl::Status status = reader->Prepare(); !status.ok()) return status;
  return reader;
}

absl::Status JournalReader::Prepare() {
  statements_ = std::make_unique<Statements>();
  Statements& s = *statements_;
  const std::string filtered = absl::StrCat(
      kColumns, "WHERE revision BETWEEN ?1 AND ?2 AND (?3 = 0 OR ?3 >> (bits & 63) & 1)",
      " AND (bits >> 6 & 15) >= ?4 AND nanos >= ?5 AND nanos < ?6 ORDER BY revision");
  // A span is left out only if none of its events passes.
  const std::string spans =
      "SELECT first, last FROM spans WHERE last >= ?1 AND first <= ?2 AND (?3 = 0 OR ?3 & causes)"
      " AND severity >= ?4 AND max_nanos >= ?5 AND min_nanos < ?6 ORDER BY last";
  for (const auto& [statement, sql] : std::initializer_list<std::pair<Statement*, std::string>>{
           {&s.meta, "SELECT value FROM meta WHERE key = ?"},
           {&s.oldest, "SELECT min(revision) FROM events"},
           {&s.object_id, "SELECT id FROM objects WHERE name = ?"},
           {&s.object, "SELECT name, kind FROM objects WHERE id = ?"},
           {&s.event, absl::StrCat(kColumns, "WHERE revision = ?")},
           {&s.events[0], filtered},
           {&s.events[1], filtered + " DESC"},
           {&s.spans[0], spans},
           {&s.spans[1], spans + " DESC"},
           {&s.last_span, "SELECT max(last) FROM spans"},
           {&s.gap, "SELECT first, last, reason FROM gaps WHERE last >= ? ORDER BY last LIMIT 1"},
           {&s.gaps,
            "SELECT first, last, reason FROM gaps WHERE last >= ? AND first <= ?"
            " ORDER BY last"},
           {&s.state,
            "SELECT o.name, o.kind, s.present, s.revision, s.checksum, s.resource"
            " FROM objects o JOIN state s ON s.object = o.id WHERE o.name = ?"}}) {
    absl::StatusOr<Statement> prepared = db_.Prepare(sql);
    if (!prepared.ok()) return prepared.status();
    *statement = *std::move(prepared);
  }
  return absl::OkStatus();
}

absl::StatusOr<Page> JournalReader::Read(const Query& query) {
  absl::StatusOr<Transaction> snapshot = Transaction::Begin(db_, false);
  if (!snapshot.ok()) return snapshot.status();
  return ReadSnapshot(query);
}

absl::StatusOr<Page> JournalReader::ReadSnapshot(const Query& query) {
  Page page;
  Statements& s = *statements_;
  absl::StatusOr<bool> row = s.meta.BindText(1, "trimmed").Step();
  if (row.ok() && *row) page.trimmed = s.meta.Int(0);
  s.meta.Reset();
  if (!row.ok()) return row.status();
  row = s.oldest.Step();
  if (row.ok() && *row) page.oldest = s.oldest.Int(0);
  s.oldest.Reset();
  if (!row.ok()) return row.status();
  if (query.after > 0 && query.after < page.trimmed)
    return absl::OutOfRangeError(absl::StrCat("the journal's events up to revision ", page.trimmed,
                                              " are trimmed, and so what follows ", query.after));

  const Interval all = {query.after < 1       ? 1
                        : query.after == kMax ? kMax
                                              : query.after + 1,
                        query.until < 1 ? kMax : query.until - 1};
  Collector out(query, page);
  std::vector<int64_t> ids;
  for (const std::string& name : query.objects) {
    absl::StatusOr<int64_t> id = ObjectId(name);
    if (!id.ok()) return id.status();
    if (*id != 0) ids.push_back(*id);
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());

  std::vector<Interval> intervals;
  if (query.objects.empty() || !ids.empty()) {
    absl::StatusOr<std::vector<Interval>> found = Intervals(query, all);
    if (!found.ok()) return found.status();
    intervals = *std::move(found);
  }
  for (const Interval& interval : intervals) {
    absl::Status status =
        query.objects.empty() ? ReadAll(interval, out) : ReadObjects(ids, interval, out);
    if (!status.ok()) return status;
    if (out.full()) {
      page.more = true;
      page.next = out.examined_to();
      break;
    }
  }
  Interval examined = all;
  if (page.more) (query.newest_first ? examined.first : examined.last) = page.next;
  page.gaps = out.damaged();
  if (absl::Status status = AddGaps(query, examined, page); !status.ok()) return status;
  return page;
}

absl::StatusOr<std::vector<JournalReader::Interval>> JournalReader::Intervals(const Query& query,
                                                                              Interval all) {
  // By object, causes and severity are in the index: only the time needs the spans.
  const bool timed = query.start_nanos != 0 || query.end_nanos != 0;
  if (query.objects.empty() ? !Filters(query) : !timed) return std::vector<Interval>{all};
  absl::StatusOr<bool> row = statements_->last_span.Step();
  const int64_t summarized = row.ok() && *row ? statements_->last_span.Int(0) : 0;
  statements_->last_span.Reset();
  if (!row.ok()) return row.status();

  std::vector<Interval> out;
  const Interval tail = {std::max(all.first, summarized + 1), all.last};
  const bool with_tail = tail.first <= tail.last;
  if (query.newest_first && with_tail) out.push_back(tail);
  Statement& spans = statements_->spans[query.newest_first];
  spans.Bind(1, all.first)
      .Bind(2, all.last)
      .Bind(3, static_cast<int64_t>(query.causes))
      .Bind(4, query.minimum_severity)
      .Bind(5, query.start_nanos == 0 ? -kMax : query.start_nanos)
      .Bind(6, EndNanos(query));
  for (;;) {
    row = spans.Step();
    if (!row.ok() || !*row) break;
    Interval span = {std::max(all.first, spans.Int(0)), std::min(all.last, spans.Int(1))};
    if (!out.empty() && out.back().last == span.first - 1) {
      out.back().last = span.last;
    } else if (!out.empty() && out.back().first - 1 == span.last) {
      out.back().first = span.first;
    } else {
      out.push_back(span);
    }
  }
  spans.Reset();
  if (!row.ok()) return row.status();
  if (!query.newest_first && with_tail) out.push_back(tail);
  return out;
}

absl::Status JournalReader::ReadAll(Interval interval, Collector& out) {
  const Query& query = out.query();
  const bool descending = query.newest_first;
  Statement& events = statements_->events[descending];
  const bool chunked = Filters(query);
  if (chunked) {
    // Without the bounds of what exists, an open interval would be a great many chunks.
    absl::StatusOr<int64_t> last = db_.Int("SELECT ifnull(max(revision), 0) FROM events");
    if (!last.ok()) return last.status();
    absl::StatusOr<int64_t> first = db_.Int("SELECT ifnull(min(revision), 0) FROM events");
    if (!first.ok()) return first.status();
    interval = {std::max(interval.first, *first), std::min(interval.last, *last)};
  }
  while (interval.first <= interval.last && !out.full()) {
    Interval chunk = interval;
    if (chunked && interval.last - interval.first >= kChunk) {
      if (descending) {
        chunk.first = interval.last - kChunk + 1;
      } else {
        chunk.last = interval.first + kChunk - 1;
      }
    }
    events.Bind(1, chunk.first)
        .Bind(2, chunk.last)
        .Bind(3, static_cast<int64_t>(query.causes))
        .Bind(4, query.minimum_severity)
        .Bind(5, query.start_nanos == 0 ? -kMax : query.start_nanos)
        .Bind(6, EndNanos(query));
    absl::Status status;
    while (status.ok() && !out.full()) {
      absl::StatusOr<bool> row = events.Step();
      status = row.status();
      if (!row.ok() || !*row) break;
      const int64_t revision = events.Int(0);
      status = AddRow(events, out);
      out.Examine(1, revision);
    }
    events.Reset();
    if (!status.ok()) return status;
    if (chunk.first == interval.first && chunk.last == interval.last) break;
    if (out.full()) break;
    out.Examine(kChunk, descending ? chunk.first : chunk.last);
    if (descending) {
      interval.last = chunk.first - 1;
    } else {
      interval.first = chunk.last + 1;
    }
  }
  return absl::OkStatus();
}

absl::Status JournalReader::ReadObjects(const std::vector<int64_t>& ids, Interval interval,
                                        Collector& out) {
  const Query& query = out.query();
  // The lists of the objects, merged: each is in the query's order.
  std::vector<Statement> lists;
  const auto later = [&](const std::pair<int64_t, size_t>& a, const std::pair<int64_t, size_t>& b) {
    return query.newest_first ? a.first < b.first : a.first > b.first;
  };
  std::priority_queue<std::pair<int64_t, size_t>, std::vector<std::pair<int64_t, size_t>>,
                      decltype(later)>
      heads(later);
  const auto advance = [&](size_t list) -> absl::Status {
    absl::StatusOr<bool> row = lists[list].Step();
    if (row.ok() && *row) heads.push({lists[list].Int(0), list});
    return row.status();
  };
  for (int64_t id : ids) {
    absl::StatusOr<Statement> list = db_.Prepare(
        absl::StrCat("SELECT revision, bits FROM event_objects WHERE object = ?1 AND revision"
                     " BETWEEN ?2 AND ?3 ORDER BY revision",
                     query.newest_first ? " DESC" : ""),
        false);
    if (!list.ok()) return list.status();
    list->Bind(1, id).Bind(2, interval.first).Bind(3, interval.last);
    lists.push_back(*std::move(list));
    if (absl::Status status = advance(lists.size() - 1); !status.ok()) return status;
  }
  while (!heads.empty() && !out.full()) {
    const int64_t revision = heads.top().first;
    bool passes = false;
    while (!heads.empty() && heads.top().first == revision) {
      const size_t list = heads.top().second;
      heads.pop();
      const int64_t bits = lists[list].Int(1);
      passes = passes || ((query.changes == 0 || (query.changes & ChangesOf(bits)) != 0) &&
                          (query.causes == 0 || (query.causes >> CauseOf(bits) & 1) != 0) &&
                          SeverityOf(bits) >= query.minimum_severity);
      out.Examine(1, revision);
      if (absl::Status status = advance(list); !status.ok()) return status;
    }
    if (!passes) continue;
    Statement& event = statements_->event;
    absl::StatusOr<bool> row = event.Bind(1, revision).Step();
    absl::Status status = row.status();
    if (row.ok() && !*row) out.AddDamaged(revision);  // the index has it, the table lost it
    if (row.ok() && *row) {
      const int64_t nanos = event.Int(2);
      if ((query.start_nanos == 0 || nanos >= query.start_nanos) && nanos < EndNanos(query))
        status = AddRow(event, out);
    }
    event.Reset();
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status JournalReader::AddRow(const Statement& from, Collector& out) {
  const int64_t bits = from.Int(3);
  EventRow row;
  row.revision = from.Int(0);
  row.previous_revision = from.IsNull(1) ? row.revision - 1 : from.Int(1);
  row.unix_nanos = from.Int(2);
  row.cause = CauseOf(bits);
  row.severity = SeverityOf(bits);
  row.payload = std::string(from.Blob(6));
  std::vector<ObjectBits> objects;
  if (EventChecksum(row.revision, row.previous_revision, row.unix_nanos, bits, from.Blob(5),
                    row.payload) != from.Int(4) ||
      !DecodeObjects(from.Blob(5), &objects)) {
    out.AddDamaged(row.revision);
    return absl::OkStatus();
  }
  if (row.previous_revision != row.revision - 1) {
    absl::StatusOr<std::optional<Gap>> gap = GapEndingAt(row.revision - 1);
    if (!gap.ok()) return gap.status();
    if (gap->has_value()) row.gap = **gap;
  }
  if (out.query().with_objects) {
    Statement& object = statements_->object;
    for (const ObjectBits& bit : objects) {
      absl::StatusOr<bool> found = object.Bind(1, bit.id).Step();
      if (found.ok() && *found) {
        for (uint8_t change = 0; change < 8; ++change) {
          if ((bit.changes >> change & 1) != 0)
            row.objects.push_back(
                {std::string(object.Blob(0)), static_cast<uint8_t>(object.Int(1)), change});
        }
      }
      object.Reset();
      if (!found.ok()) return found.status();
    }
  }
  out.Add(std::move(row));
  return absl::OkStatus();
}

absl::Status JournalReader::AddGaps(const Query& query, Interval examined, Page& page) {
  Statement& gaps = statements_->gaps;
  gaps.Bind(1, examined.first).Bind(2, examined.last);
  absl::StatusOr<bool> row = false;
  for (;;) {
    row = gaps.Step();
    if (!row.ok() || !*row) break;
    page.gaps.push_back({gaps.Int(0), gaps.Int(1), static_cast<GapReason>(gaps.Int(2))});
  }
  gaps.Reset();
  std::sort(page.gaps.begin(), page.gaps.end(), [&](const Gap& a, const Gap& b) {
    return query.newest_first ? a.last > b.last : a.last < b.last;
  });
  return row.status();
}

absl::StatusOr<std::optional<Gap>> JournalReader::GapEndingAt(int64_t last) {
  absl::StatusOr<std::optional<Gap>> gap = FindGap(last);
  if (gap.ok() && gap->has_value() && (*gap)->last != last) return std::optional<Gap>();
  return gap;
}

absl::StatusOr<std::optional<Gap>> JournalReader::FindGap(int64_t revision) {
  Statement& gap = statements_->gap;
  absl::StatusOr<bool> row = gap.Bind(1, revision).Step();
  std::optional<Gap> out;
  if (row.ok() && *row && gap.Int(0) <= revision)
    out = Gap{gap.Int(0), gap.Int(1), static_cast<GapReason>(gap.Int(2))};
  gap.Reset();
  if (!row.ok()) return row.status();
  return out;
}

absl::StatusOr<int64_t> JournalReader::ObjectId(const std::string& name) {
  Statement& object = statements_->object_id;
  absl::StatusOr<bool> row = object.BindText(1, name).Step();
  const int64_t id = row.ok() && *row ? object.Int(0) : 0;
  object.Reset();
  if (!row.ok()) return row.status();
  return id;
}

namespace {

// A row of: name, kind, present, revision, checksum, resource. nullopt: damaged.
std::optional<StateRow> StateOf(const Statement& from) {
  StateRow row;
  row.name = std::string(from.Blob(0));
  row.kind = static_cast<uint8_t>(from.Int(1));
  row.present = from.Int(2) != 0;
  row.revision = from.Int(3);
  row.resource = std::string(from.Blob(5));
  if (StateChecksum(row) != from.Int(4)) return std::nullopt;
  return row;
}

}  // namespace

absl::StatusOr<std::optional<StateRow>> JournalReader::FindState(const std::string& name) {
  Statement& state = statements_->state;
  absl::StatusOr<bool> row = state.BindText(1, name).Step();
  std::optional<StateRow> out;
  if (row.ok() && *row) out = StateOf(state);
  state.Reset();
  if (!row.ok()) return row.status();
  return out;
}

absl::StatusOr<int64_t> JournalReader::VisitState(const std::function<void(StateRow)>& visit,
                                                  bool only_gone) {
  absl::StatusOr<Statement> select = db_.Prepare(
      absl::StrCat("SELECT o.name, o.kind, s.present, s.revision, s.checksum, s.resource"
                   " FROM state s LEFT JOIN objects o ON s.object = o.id",
                   only_gone ? " WHERE s.present = 0" : ""),
      false);
  if (!select.ok()) return select.status();
  int64_t damaged = 0;
  for (;;) {
    absl::StatusOr<bool> row = select->Step();
    if (!row.ok()) return row.status();
    if (!*row) return damaged;
    if (std::optional<StateRow> state = StateOf(*select)) {
      visit(*std::move(state));
    } else {
      ++damaged;
    }
  }
}

}  // namespace sasd::journal
