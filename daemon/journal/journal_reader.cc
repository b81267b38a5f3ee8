#include "daemon/journal/journal_reader.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"

namespace sasd::journal {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr absl::string_view kColumns =
    "SELECT revision, previous, nanos, bits, checksum, objects, payload FROM events ";

bool Filters(const Query& query) {
  return query.causes != 0 || query.minimum_severity != 0 || query.start_nanos != 0 ||
         query.end_nanos != 0;
}

int64_t EndNanos(const Query& query) { return query.end_nanos == 0 ? kMax : query.end_nanos; }

// Of an event without regard to objects.
bool Passes(const Query& query, int64_t bits, int64_t nanos) {
  return (query.causes == 0 || (query.causes >> CauseOf(bits) & 1) != 0) &&
         SeverityOf(bits) >= query.minimum_severity &&
         (query.start_nanos == 0 || nanos >= query.start_nanos) && nanos < EndNanos(query);
}

// Damage hides a range of keys: finds the nearest key from `from` on towards `to` (inclusive,
// either direction) that `seek` finds. seek(key) gives the nearest key at or beyond its argument,
// nullopt: none, DATA_LOSS: damaged.
template <typename Seek>
absl::StatusOr<std::optional<int64_t>> PassDamage(int64_t from, int64_t to, const Seek& seek) {
  const int64_t sign = from <= to ? 1 : -1;
  const auto distance = [&](int64_t key) { return (to - key) * sign; };
  int64_t bad = from;
  int64_t good = from;
  std::optional<int64_t> found;
  for (int64_t step = 0;; step = step == 0 ? 1 : step * 2) {
    if (step > 0 && distance(bad) == 0) return std::optional<int64_t>();
    step = std::min(step, distance(bad));
    good = bad + step * sign;
    absl::StatusOr<std::optional<int64_t>> key = seek(good);
    if (!key.ok() && !absl::IsDataLoss(key.status())) return key.status();
    if (key.ok()) {
      found = *key;
      break;
    }
    bad = good;
  }
  while ((good - bad) * sign > 1) {
    const int64_t middle = bad + (good - bad) / 2;
    absl::StatusOr<std::optional<int64_t>> key = seek(middle);
    if (!key.ok() && !absl::IsDataLoss(key.status())) return key.status();
    if (key.ok()) {
      good = middle;
      found = *key;
    } else {
      bad = middle;
    }
  }
  return found;
}

// The integer of the first row; nullopt: no row.
absl::StatusOr<std::optional<int64_t>> First(Statement& statement) {
  absl::StatusOr<bool> row = statement.Step();
  std::optional<int64_t> out;
  if (row.ok() && *row && !statement.IsNull(0)) out = statement.Int(0);
  statement.Reset();
  if (!row.ok()) return row.status();
  return out;
}

}  // namespace

struct JournalReader::Statements {
  Statement meta;
  Statement oldest;
  Statement newest;
  Statement object_id;
  Statement object;
  Statement event;
  Statement events[2];  // ascending, descending
  Statement scan[2];    // without contents
  Statement seek[2];
  Statement spans[2];
  Statement last_span;
  Statement runs;
  Statement chunk;
  Statement gap;
  Statement gaps;
  Statement state;
  Statement states;
  Statement seek_state;
  Statement last_state;
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
  // Revisions without a row that can be read; declared gaps among them are taken out later.
  void AddMissing(int64_t first, int64_t last) {
    if (first > last) return;
    if (!missing_.empty() && missing_.back().last + 1 == first) {
      missing_.back().last = last;
    } else if (!missing_.empty() && missing_.back().first - 1 == last) {
      missing_.back().first = first;
    } else {
      missing_.push_back({first, last});
    }
  }
  const std::vector<Interval>& missing() const { return missing_; }

 private:
  const Query& query_;
  Page& page_;
  std::vector<Interval> missing_;
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
  const std::string between = "WHERE revision BETWEEN ?1 AND ?2 ORDER BY revision";
  const std::string events = absl::StrCat(kColumns, between);
  const std::string scan = absl::StrCat("SELECT revision, nanos, bits FROM events ", between);
  const std::string states =
      "SELECT o.name, o.kind, s.present, s.revision, s.checksum, s.resource, s.object"
      " FROM state s LEFT JOIN objects o ON s.object = o.id ";
  // A span is left out only if none of its events passes.
  const std::string wrong_span =
      "checksum IS NOT row_checksum(last, first, count, min_nanos, max_nanos, causes, severity)";
  const std::string spans = absl::StrCat(
      "SELECT first, last, ", wrong_span, " FROM spans WHERE last >= ?1 AND (", wrong_span,
      "  OR first <= ?2 AND (?3 = 0 OR ?3 & causes) AND severity >= ?4 AND max_nanos >= ?5"
      "  AND min_nanos < ?6) ORDER BY last");
  const std::string wrong_run = "checksum IS NOT row_checksum(last, first, id, level, bytes)";
  const std::string gap_columns =
      "SELECT first, last, reason, checksum IS NOT row_checksum(last, first, reason) FROM gaps ";
  for (const auto& [statement, sql] : std::initializer_list<std::pair<Statement*, std::string>>{
           {&s.meta, "SELECT value FROM meta WHERE key = ?"},
           {&s.oldest, "SELECT min(revision) FROM events WHERE revision > ?"},
           {&s.newest, "SELECT max(revision) FROM events"},
           {&s.object_id,
            "SELECT id, checksum IS NOT row_checksum(id, name, kind) FROM objects WHERE name = ?"},
           {&s.object,
            "SELECT name, kind FROM objects"
            " WHERE id = ? AND checksum IS row_checksum(id, name, kind)"},
           {&s.event, absl::StrCat(kColumns, "WHERE revision = ?")},
           {&s.events[0], events},
           {&s.events[1], events + " DESC"},
           {&s.scan[0], scan},
           {&s.scan[1], scan + " DESC"},
           {&s.seek[0], "SELECT revision FROM events WHERE revision >= ? ORDER BY 1 LIMIT 1"},
           {&s.seek[1], "SELECT revision FROM events WHERE revision <= ? ORDER BY 1 DESC LIMIT 1"},
           {&s.spans[0], spans},
           {&s.spans[1], spans + " DESC"},
           {&s.last_span, "SELECT max(last) FROM spans"},
           {&s.runs,
            absl::StrCat("SELECT id, first, last, ", wrong_run, " FROM runs WHERE last >= ?1 AND (",
                         wrong_run, " OR first <= ?2) ORDER BY last")},
           {&s.chunk,
            "SELECT key, checksum, entries FROM postings WHERE key <= ? ORDER BY key DESC LIMIT 1"},
           {&s.gap, absl::StrCat(gap_columns, "WHERE last >= ? ORDER BY last LIMIT 1")},
           {&s.gaps, absl::StrCat(gap_columns, "WHERE last >= ? ORDER BY last")},
           {&s.state, states + "WHERE s.object = (SELECT id FROM objects WHERE name = ?)"},
           {&s.states, states + "WHERE s.object BETWEEN ? AND ? ORDER BY s.object"},
           {&s.seek_state, "SELECT object FROM state WHERE object >= ? ORDER BY 1 LIMIT 1"},
           {&s.last_state, "SELECT max(object) FROM state"}}) {
    absl::StatusOr<Statement> prepared = db_.Prepare(sql);
    if (!prepared.ok()) return prepared.status();
    *statement = *std::move(prepared);
  }
  return absl::OkStatus();
}

absl::StatusOr<Page> JournalReader::Read(const Query& query, Interrupted interrupted) {
  const Interruption interruption(db_, interrupted);
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
  absl::StatusOr<std::optional<int64_t>> oldest = First(s.oldest.Bind(1, page.trimmed));
  if (!oldest.ok()) return oldest.status();
  page.oldest = oldest->value_or(0);
  absl::StatusOr<std::optional<int64_t>> newest = First(s.newest);
  if (!newest.ok()) return newest.status();
  if (query.after > 0 && query.after < page.trimmed)
    return absl::OutOfRangeError(absl::StrCat("the journal's events up to revision ", page.trimmed,
                                              " are trimmed, and so what follows ", query.after));

  // Declared gaps lie in `all`; rows, in `rows`.
  const int64_t after = std::max(query.after, page.trimmed);
  const Interval all = {after < kMax ? after + 1 : kMax, query.until < 1 ? kMax : query.until - 1};
  const Interval rows = {all.first, std::min(all.last, newest->value_or(0))};
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
    absl::StatusOr<std::vector<Interval>> found = Intervals(query, rows);
    // Without the spans all of it is read.
    if (absl::IsDataLoss(found.status())) found = std::vector<Interval>{rows};
    if (!found.ok()) return found.status();
    intervals = *std::move(found);
  }
  for (const Interval& interval : intervals) {
    absl::Status status =
        query.objects.empty() ? ReadAll({}, interval, out) : ReadObjects(ids, interval, out);
    if (!status.ok()) return status;
    if (out.full()) {
      page.more = true;
      page.next = out.examined_to();
      break;
    }
  }
  Interval examined = all;
  if (page.more) (query.newest_first ? examined.first : examined.last) = page.next;
  if (absl::Status status = AddGaps(examined, out, page); !status.ok()) return status;
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
    if (spans.Int(2) != 0) {
      row = absl::DataLossError("a span is damaged");
      break;
    }
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

absl::Status JournalReader::ReadAll(const std::vector<int64_t>& ids, Interval interval,
                                    Collector& out) {
  const Query& query = out.query();
  const bool down = query.newest_first;
  // What passes is read by its revision: the scan does not read the contents of the others.
  const bool chosen = Filters(query) || !ids.empty();
  Statement& rows = chosen ? statements_->scan[down] : statements_->events[down];
  const auto seek = [&](int64_t revision) -> absl::StatusOr<std::optional<int64_t>> {
    absl::StatusOr<std::optional<int64_t>> found = First(statements_->seek[down].Bind(1, revision));
    // A torn page may have revisions that are none.
    const Interval expected =
        down ? Interval{interval.first, revision} : Interval{revision, interval.last};
    if (found.ok() && found->has_value() && (**found < expected.first || **found > expected.last))
      return absl::DataLossError("out of order");
    return found;
  };
  // What lies between two rows is missing, unless a gap is declared.
  const auto reach = [&](int64_t revision) {
    if (down) {
      out.AddMissing(revision + 1, interval.last);
      interval.last = revision - 1;
    } else {
      out.AddMissing(interval.first, revision - 1);
      interval.first = revision + 1;
    }
  };
  while (interval.first <= interval.last && !out.full()) {
    rows.Bind(1, interval.first).Bind(2, interval.last);
    absl::Status status;
    while (!out.full()) {
      absl::StatusOr<bool> row = rows.Step();
      status = row.status();
      if (!row.ok() || !*row) break;
      const int64_t revision = rows.Int(0);
      if (revision < interval.first || revision > interval.last) {
        status = absl::DataLossError("out of order");
        break;
      }
      reach(revision);
      if (!chosen) {
        status = AddRow(rows, ids, out);
      } else if (Passes(query, rows.Int(2), rows.Int(1))) {
        status = AddEvent(revision, ids, out);
      }
      out.Examine(1, revision);
      if (!status.ok()) break;
    }
    rows.Reset();
    if (out.full() && status.ok()) return status;
    if (!status.ok() && !absl::IsDataLoss(status)) return status;
    if (interval.first > interval.last) break;
    // Damage, or the scan ended early; a torn page may look like an end.
    absl::StatusOr<std::optional<int64_t>> next = PassDamage(
        down ? interval.last : interval.first, down ? interval.first : interval.last, seek);
    if (!next.ok()) return next.status();
    if (!next->has_value()) break;
    reach(**next);
    if (status = AddEvent(**next, ids, out); !status.ok()) return status;
    out.Examine(1, **next);
  }
  if (!out.full()) out.AddMissing(interval.first, interval.last);
  return absl::OkStatus();
}

absl::Status JournalReader::ReadObjects(const std::vector<int64_t>& ids, Interval interval,
                                        Collector& out) {
  absl::StatusOr<std::vector<PostingRun>> runs = Runs(interval);
  // Without the index, the events themselves say which objects they are about.
  if (absl::IsDataLoss(runs.status())) return ReadAll(ids, interval, out);
  if (!runs.ok()) return runs.status();
  // The runs, and what lies between and after them.
  struct Part {
    Interval interval;
    const PostingRun* run;
  };
  std::vector<Part> parts;
  int64_t next = interval.first;
  for (const PostingRun& run : *runs) {
    if (run.first > next) parts.push_back({{next, run.first - 1}, nullptr});
    parts.push_back(
        {{std::max(run.first, interval.first), std::min(run.last, interval.last)}, &run});
    next = run.last + 1;
  }
  if (next <= interval.last) parts.push_back({{next, interval.last}, nullptr});
  if (out.query().newest_first) std::reverse(parts.begin(), parts.end());
  for (const Part& part : parts) {
    if (out.full()) break;
    absl::Status status = part.run != nullptr ? ReadRun(ids, *part.run, part.interval, out)
                                              : ReadAll(ids, part.interval, out);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<PostingRun>> JournalReader::Runs(Interval interval) {
  Statement& runs = statements_->runs;
  std::vector<PostingRun> out;
  runs.Bind(1, interval.first).Bind(2, interval.last);
  absl::StatusOr<bool> row = runs.Step();
  bool in_order = true;
  for (; in_order && row.ok() && *row; row = runs.Step()) {
    const PostingRun run = {runs.Int(0), runs.Int(1), runs.Int(2)};
    in_order =
        runs.Int(3) == 0 && run.first <= run.last && (out.empty() || out.back().last < run.first);
    out.push_back(run);
  }
  runs.Reset();
  if (!row.ok()) return row.status();
  if (!in_order) return absl::DataLossError("the runs of the index are out of order, or damaged");
  return out;
}

absl::Status JournalReader::FindPostings(const PostingRun& run, int64_t id,
                                         std::vector<Posting>* out) {
  Statement& chunk = statements_->chunk;
  absl::StatusOr<bool> row = chunk.Bind(1, ChunkKey(run.id, id)).Step();
  int64_t next = 0;
  const bool intact =
      row.ok() && *row &&
      DecodeChunk(run, chunk.Int(0), chunk.Int(1), chunk.Blob(2), id, id + 1, out, &next) &&
      (next == 0 || id < next);
  chunk.Reset();
  if (!row.ok()) return row.status();
  return intact ? absl::OkStatus() : absl::DataLossError("the index is damaged");
}

absl::Status JournalReader::ReadRun(const std::vector<int64_t>& ids, const PostingRun& run,
                                    Interval interval, Collector& out) {
  const Query& query = out.query();
  std::vector<Posting> found;
  for (int64_t id : ids) {
    absl::Status status = FindPostings(run, id, &found);
    if (absl::IsDataLoss(status)) return ReadAll(ids, interval, out);
    if (!status.ok()) return status;
  }
  std::sort(found.begin(), found.end(), [&](const Posting& a, const Posting& b) {
    return query.newest_first ? a.revision > b.revision : a.revision < b.revision;
  });
  for (size_t i = 0; i < found.size() && !out.full();) {
    const int64_t revision = found[i].revision;
    bool passes = false;
    size_t count = 0;
    for (; i < found.size() && found[i].revision == revision; ++i, ++count) {
      const int64_t bits = found[i].bits;
      passes = passes || ((query.changes == 0 || (query.changes & ChangesOf(bits)) != 0) &&
                          (query.causes == 0 || (query.causes >> CauseOf(bits) & 1) != 0) &&
                          SeverityOf(bits) >= query.minimum_severity);
    }
    if (revision < interval.first || revision > interval.last) continue;
    out.Examine(count, revision);
    if (!passes) continue;
    if (absl::Status status = AddEvent(revision, ids, out); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status JournalReader::AddEvent(int64_t revision, const std::vector<int64_t>& ids,
                                     Collector& out) {
  Statement& event = statements_->event;
  absl::StatusOr<bool> row = event.Bind(1, revision).Step();
  absl::Status status = row.status();
  if (absl::IsDataLoss(status) || (row.ok() && !*row)) {
    out.AddMissing(revision, revision);
    status = absl::OkStatus();
  } else if (row.ok()) {
    status = AddRow(event, ids, out);
  }
  event.Reset();
  return status;
}

absl::Status JournalReader::AddRow(const Statement& from, const std::vector<int64_t>& ids,
                                   Collector& out) {
  const Query& query = out.query();
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
    out.AddMissing(row.revision, row.revision);
    return absl::OkStatus();
  }
  if (!Passes(query, bits, row.unix_nanos)) return absl::OkStatus();
  const auto wanted = [&](const ObjectBits& object) {
    return std::binary_search(ids.begin(), ids.end(), object.id) &&
           (query.changes == 0 || (query.changes & object.changes) != 0);
  };
  if (!ids.empty() && std::none_of(objects.begin(), objects.end(), wanted)) return absl::OkStatus();
  if (row.previous_revision != row.revision - 1) {
    absl::StatusOr<std::optional<Gap>> gap = GapEndingAt(row.revision - 1);
    if (absl::IsDataLoss(gap.status()))
      gap = Gap{row.previous_revision + 1, row.revision - 1, GapReason::kJournalDamaged};
    if (!gap.ok()) return gap.status();
    if (gap->has_value()) row.gap = **gap;
  }
  if (query.with_objects) {
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
      const bool missing = absl::IsDataLoss(found.status()) || (found.ok() && !*found);
      object.Reset();
      if (missing) {
        out.AddMissing(row.revision, row.revision);
        return absl::OkStatus();
      }
      if (!found.ok()) return found.status();
    }
  }
  out.Add(std::move(row));
  return absl::OkStatus();
}

absl::Status JournalReader::AddGaps(Interval examined, const Collector& out, Page& page) {
  Statement& gaps = statements_->gaps;
  gaps.Bind(1, examined.first);
  std::vector<Gap> declared;
  absl::StatusOr<bool> row = false;
  for (;;) {
    row = gaps.Step();
    if (!row.ok() || !*row) break;
    Gap gap = {gaps.Int(0), gaps.Int(1), static_cast<GapReason>(gaps.Int(2))};
    if (gaps.Int(3) != 0) {
      // What it declares is the hole between the events around it.
      absl::StatusOr<std::optional<int64_t>> below = First(statements_->seek[1].Bind(1, gap.last));
      if (!below.ok() && !absl::IsDataLoss(below.status())) {
        gaps.Reset();
        return below.status();
      }
      gap.first = below.ok() ? below->value_or(0) + 1 : gap.last;
      gap.reason = GapReason::kJournalDamaged;
    }
    if (gap.first <= gap.last && gap.first <= examined.last) declared.push_back(gap);
  }
  gaps.Reset();
  // Declared gaps that cannot be read are damage like what they would explain.
  if (!row.ok() && !absl::IsDataLoss(row.status())) return row.status();

  std::vector<Interval> missing = out.missing();
  std::sort(missing.begin(), missing.end(),
            [](const Interval& a, const Interval& b) { return a.first < b.first; });
  for (Interval rest : missing) {
    for (const Gap& gap : declared) {
      if (gap.last < rest.first || gap.first > rest.last) continue;
      if (gap.first > rest.first)
        page.gaps.push_back({rest.first, gap.first - 1, GapReason::kJournalDamaged});
      rest.first = gap.last + 1;
    }
    if (rest.first <= rest.last)
      page.gaps.push_back({rest.first, rest.last, GapReason::kJournalDamaged});
  }
  for (const Gap& gap : declared) {
    if (gap.reason != GapReason::kNone) page.gaps.push_back(gap);
  }
  std::sort(page.gaps.begin(), page.gaps.end(), [&](const Gap& a, const Gap& b) {
    return out.query().newest_first ? a.last > b.last : a.last < b.last;
  });
  return absl::OkStatus();
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
  if (row.ok() && *row && gap.Int(3) != 0) row = absl::DataLossError("a gap is damaged");
  if (row.ok() && *row && gap.Int(0) <= revision && gap.Int(2) != 0)
    out = Gap{gap.Int(0), gap.Int(1), static_cast<GapReason>(gap.Int(2))};
  gap.Reset();
  if (!row.ok()) return row.status();
  return out;
}

absl::StatusOr<int64_t> JournalReader::ObjectId(const std::string& name) {
  Statement& object = statements_->object_id;
  absl::StatusOr<bool> row = object.BindText(1, name).Step();
  const int64_t id = row.ok() && *row ? object.Int(0) : 0;
  if (id != 0 && object.Int(1) != 0) row = absl::DataLossError("a name is damaged");
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
  if (!row.ok() && !absl::IsDataLoss(row.status())) return row.status();
  return out;
}

absl::StatusOr<int64_t> JournalReader::VisitState(const std::function<void(StateRow)>& visit,
                                                  bool only_gone, Interrupted interrupted) {
  const Interruption interruption(db_, interrupted);
  absl::StatusOr<Transaction> snapshot = Transaction::Begin(db_, false);
  if (!snapshot.ok()) return snapshot.status();
  Statement& states = statements_->states;
  absl::StatusOr<std::optional<int64_t>> last = First(statements_->last_state);
  if (absl::IsDataLoss(last.status())) last = kMax;
  if (!last.ok()) return last.status();
  const int64_t end = last->value_or(0);
  const auto seek = [&](int64_t object) { return First(statements_->seek_state.Bind(1, object)); };
  int64_t damaged = 0;
  for (int64_t object = 1; object <= end;) {
    states.Bind(1, object).Bind(2, end);
    absl::StatusOr<bool> row = true;
    for (;;) {
      row = states.Step();
      if (!row.ok() || !*row) break;
      object = states.Int(6) + 1;
      if (std::optional<StateRow> state = StateOf(states)) {
        if (!only_gone || !state->present) visit(*std::move(state));
      } else {
        ++damaged;
      }
    }
    states.Reset();
    if (row.ok()) return damaged;
    if (!absl::IsDataLoss(row.status())) return row.status();
    ++damaged;
    // The row at the damage may have a key and no content: go on after it.
    absl::StatusOr<std::optional<int64_t>> next = PassDamage(object, end, seek);
    if (!next.ok()) return next.status();
    if (!next->has_value()) return damaged;
    object = **next == object ? object + 1 : **next;
  }
  return damaged;
}

}  // namespace sasd::journal
