#include "daemon/journal/index_merger.h"

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <utility>

#include "absl/memory/memory.h"
#include "daemon/journal/journal_row.h"

namespace sasd::journal {
namespace {

// A merged run is of so many small ones, or of so many bytes: what one transaction writes.
constexpr size_t kMergedRuns = 128;
constexpr int64_t kMergedBytes = 1 << 20;
constexpr int64_t kBuiltEvents = 8'192;
constexpr size_t kBuiltPostings = 200'000;

}  // namespace

struct IndexMerger::Statements {
  Statement runs, trimmed, last_span, events, chunks;
};

IndexMerger::IndexMerger(Database& db) : db_(db) {}
IndexMerger::~IndexMerger() = default;

absl::StatusOr<std::unique_ptr<IndexMerger>> IndexMerger::Open(Database& db) {
  auto merger = absl::WrapUnique(new IndexMerger(db));
  if (absl::Status status = merger->Prepare(); !status.ok()) return status;
  return merger;
}

absl::Status IndexMerger::Prepare() {
  statements_ = std::make_unique<Statements>();
  Statements& s = *statements_;
  for (const auto& [statement, sql] : std::initializer_list<std::pair<Statement*, const char*>>{
           {&s.runs, "SELECT id, first, last, level, bytes FROM runs ORDER BY last"},
           {&s.trimmed,
            "SELECT ifnull((SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'trimmed'), 0)"},
           {&s.last_span, "SELECT ifnull(max(last), 0) FROM spans"},
           {&s.events,
            "SELECT revision, previous, nanos, bits, checksum, objects, payload FROM events"
            " WHERE revision BETWEEN ? AND ? ORDER BY revision LIMIT ?"},
           {&s.chunks,
            "SELECT key, checksum, entries FROM postings WHERE key BETWEEN ? AND ?"
            " ORDER BY key"}}) {
    absl::StatusOr<Statement> prepared = db_.Prepare(sql);
    if (!prepared.ok()) return prepared.status();
    *statement = *std::move(prepared);
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> IndexMerger::Number(Statement& statement) {
  absl::StatusOr<bool> row = statement.Step();
  const int64_t number = row.ok() && *row ? statement.Int(0) : 0;
  statement.Reset();
  if (!row.ok()) return row.status();
  return number;
}

absl::StatusOr<std::vector<IndexMerger::Row>> IndexMerger::Rows() {
  Statement& runs = statements_->runs;
  std::vector<Row> out;
  absl::StatusOr<bool> row = runs.Step();
  for (; row.ok() && *row; row = runs.Step())
    out.push_back(
        {{runs.Int(0), runs.Int(1), runs.Int(2)}, static_cast<RunLevel>(runs.Int(3)), runs.Int(4)});
  runs.Reset();
  if (!row.ok()) return row.status();
  return out;
}

absl::StatusOr<std::optional<IndexMerger::Work>> IndexMerger::Next() {
  absl::StatusOr<std::vector<Row>> rows = Rows();
  absl::StatusOr<std::optional<Work>> work = std::optional<Work>();
  if (rows.ok()) work = Build(*rows);
  if (rows.ok() && work.ok() && !work->has_value()) work = Merge(*rows);
  // Without runs that can be read, the events are.
  const absl::Status status = rows.ok() ? work.status() : rows.status();
  if (absl::IsDataLoss(status)) return std::optional<Work>();
  if (!status.ok()) return status;
  // Here, and not where the run is encoded, which holds up the writes of events.
  if (work->has_value()) {
    std::vector<Posting>& postings = (*work)->postings;
    std::sort(postings.begin(), postings.end(), [](const Posting& a, const Posting& b) {
      return a.object != b.object ? a.object < b.object : a.revision < b.revision;
    });
  }
  return work;
}

absl::StatusOr<bool> IndexMerger::ReadEvents(int64_t first, int64_t last, Work* work) {
  Statement& events = statements_->events;
  events.Bind(1, first).Bind(2, last).Bind(3, kBuiltEvents);
  int64_t count = 0;
  bool intact = true;
  bool all = true;
  absl::StatusOr<bool> row = false;
  for (;;) {
    row = events.Step();
    if (!row.ok() || !*row) break;
    const int64_t revision = events.Int(0);
    const int64_t bits = events.Int(3);
    std::vector<ObjectBits> objects;
    intact = EventChecksum(revision, events.IsNull(1) ? revision - 1 : events.Int(1), events.Int(2),
                           bits, events.Blob(5), events.Blob(6)) == events.Int(4) &&
             DecodeObjects(events.Blob(5), &objects);
    if (!intact) break;
    for (const ObjectBits& object : objects)
      work->postings.push_back(
          {object.id, revision, EventBits(CauseOf(bits), SeverityOf(bits), object.changes)});
    work->last = revision;
    all = ++count < kBuiltEvents && work->postings.size() < kBuiltPostings;
    if (!all) break;
  }
  events.Reset();
  if (!row.ok() && !absl::IsDataLoss(row.status())) return row.status();
  work->first = first;
  // Up to what cannot be read.
  if (!row.ok() || !intact) return count > 0;
  if (all) work->last = last;
  return true;
}

absl::StatusOr<std::optional<IndexMerger::Work>> IndexMerger::Build(const std::vector<Row>& rows) {
  absl::StatusOr<int64_t> trimmed = Number(statements_->trimmed);
  if (!trimmed.ok()) return trimmed.status();
  absl::StatusOr<int64_t> last_span = Number(statements_->last_span);
  if (!last_span.ok()) return last_span.status();
  int64_t next = *trimmed + 1;
  const auto build = [&](int64_t last) -> absl::StatusOr<std::optional<Work>> {
    Work work;
    if (next > last || unreadable_.contains(next)) return std::optional<Work>();
    absl::StatusOr<bool> read = ReadEvents(next, last, &work);
    if (!read.ok()) return read.status();
    if (*read) return std::optional<Work>(std::move(work));
    unreadable_.insert(next);
    return std::optional<Work>();
  };
  for (const Row& row : rows) {
    if (row.run.last <= *trimmed) continue;
    absl::StatusOr<std::optional<Work>> work = build(row.run.first - 1);
    if (!work.ok() || work->has_value()) return work;
    next = row.run.last + 1;
  }
  return build(*last_span);
}

absl::StatusOr<bool> IndexMerger::ReadRun(const PostingRun& run, Work* work) {
  Statement& chunks = statements_->chunks;
  chunks.Bind(1, ChunkKey(run.id, 0)).Bind(2, ChunkKey(run.id + 1, 0) - 1);
  int64_t next = 0;
  bool any = false;
  bool intact = true;
  absl::StatusOr<bool> row = false;
  for (;;) {
    row = chunks.Step();
    if (!row.ok() || !*row) break;
    const int64_t key = chunks.Int(0);
    intact = key == ChunkKey(run.id, next) && (!any || next != 0) &&
             DecodeChunk(run, key, chunks.Int(1), chunks.Blob(2), 0, int64_t{1} << 32,
                         &work->postings, &next);
    if (!intact) break;
    any = true;
  }
  chunks.Reset();
  if (absl::IsDataLoss(row.status())) return false;
  if (!row.ok()) return row.status();
  return intact && any && next == 0;
}

absl::StatusOr<std::optional<IndexMerger::Work>> IndexMerger::Merge(const std::vector<Row>& rows) {
  for (size_t begin = 0; begin < rows.size();) {
    int64_t bytes = 0;
    size_t end = begin;
    while (end < rows.size() && rows[end].level == RunLevel::kSmall && bytes < kMergedBytes &&
           end - begin < kMergedRuns && !unreadable_.contains(rows[end].run.first) &&
           (end == begin || rows[end].run.first == rows[end - 1].run.last + 1)) {
      bytes += rows[end].bytes;
      ++end;
    }
    if (bytes < kMergedBytes && end - begin < kMergedRuns) {
      begin = std::max(end, begin + 1);
      continue;
    }
    Work work;
    work.first = rows[begin].run.first;
    work.last = rows[end - 1].run.last;
    work.level = RunLevel::kMerged;
    bool intact = true;
    for (size_t i = begin; i < end && intact; ++i) {
      absl::StatusOr<bool> read = ReadRun(rows[i].run, &work);
      if (!read.ok()) return read.status();
      intact = *read;
      if (!intact) unreadable_.insert(rows[i].run.first);
    }
    if (intact) return std::optional<Work>(std::move(work));
  }
  return std::optional<Work>();
}

}  // namespace sasd::journal
