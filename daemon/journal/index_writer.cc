#include "daemon/journal/index_writer.h"

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <string>
#include <utility>

#include "absl/memory/memory.h"

namespace sasd::journal {
namespace {

// A search without its run reads so many events; a run is written within the write of an event.
constexpr int64_t kRunEvents = 512;
constexpr size_t kRunPostings = 16'384;

}  // namespace

struct IndexWriter::Statements {
  Statement bounds, tail, insert_run, insert_chunk, runs, run_at, runs_up_to, delete_run,
      delete_chunks, chunk_of, chunks;
};

IndexWriter::IndexWriter(Database& db) : db_(db) {}
IndexWriter::~IndexWriter() = default;

absl::StatusOr<std::unique_ptr<IndexWriter>> IndexWriter::Open(Database& db) {
  auto index = absl::WrapUnique(new IndexWriter(db));
  if (absl::Status status = index->Prepare(); !status.ok()) return status;
  return index;
}

absl::Status IndexWriter::Prepare() {
  statements_ = std::make_unique<Statements>();
  Statements& s = *statements_;
  for (const auto& [statement, sql] : std::initializer_list<std::pair<Statement*, const char*>>{
           // Spans end with runs: where there is no run, the maintenance writes it.
           {&s.bounds,
            "SELECT max(ifnull((SELECT max(last) FROM runs), 0),"
            "  ifnull((SELECT max(last) FROM spans), 0)), ifnull((SELECT max(id) FROM runs), 0)"},
           {&s.tail,
            "SELECT revision, previous, nanos, bits, checksum, objects, payload FROM events"
            " WHERE revision > ? ORDER BY revision"},
           {&s.insert_run,
            "INSERT INTO runs VALUES(?1, ?2, ?3, ?4, ?5, row_checksum(?1, ?2, ?3, ?4, ?5))"},
           {&s.insert_chunk, "INSERT INTO postings VALUES(?, ?, ?)"},
           {&s.runs, "SELECT id, first, last FROM runs WHERE last > ? ORDER BY last"},
           {&s.run_at, "SELECT last, id FROM runs WHERE first >= ? AND last <= ?"},
           {&s.runs_up_to, "SELECT last, id FROM runs WHERE last <= ?"},
           {&s.delete_run, "DELETE FROM runs WHERE last = ?"},
           {&s.delete_chunks, "DELETE FROM postings WHERE key BETWEEN ? AND ?"},
           {&s.chunk_of, "SELECT max(key) FROM postings WHERE key BETWEEN ? AND ?"},
           {&s.chunks,
            "SELECT key, checksum, entries FROM postings WHERE key BETWEEN ? AND ? ORDER BY "
            "key"}}) {
    absl::StatusOr<Statement> prepared = db_.Prepare(sql);
    if (!prepared.ok()) return prepared.status();
    *statement = *std::move(prepared);
  }
  return absl::OkStatus();
}

absl::Status IndexWriter::Load(int64_t last_revision, bool* damaged) {
  Statements& s = *statements_;
  pending_.clear();
  events_ = 0;
  absl::StatusOr<bool> row = s.bounds.Step();
  if (row.ok() && *row) {
    last_ = s.bounds.Int(0);
    next_id_ = s.bounds.Int(1) + 1;
  }
  s.bounds.Reset();
  if (!row.ok()) return row.status();
  first_ = last_ + 1;
  s.tail.Bind(1, last_);
  bool intact = true;
  for (;;) {
    row = s.tail.Step();
    if (!row.ok() || !*row) break;
    const int64_t revision = s.tail.Int(0);
    std::vector<ObjectBits> objects;
    intact = EventChecksum(revision, s.tail.IsNull(1) ? revision - 1 : s.tail.Int(1), s.tail.Int(2),
                           s.tail.Int(3), s.tail.Blob(5), s.tail.Blob(6)) == s.tail.Int(4) &&
             DecodeObjects(s.tail.Blob(5), &objects);
    if (!intact) break;
    for (const ObjectBits& object : objects)
      pending_.push_back(
          {object.id, revision,
           EventBits(CauseOf(s.tail.Int(3)), SeverityOf(s.tail.Int(3)), object.changes)});
    last_ = revision;
    ++events_;
  }
  s.tail.Reset();
  if (absl::IsDataLoss(row.status()) || !intact) {
    // What no run has is found by reading the events.
    *damaged = true;
    pending_.clear();
    events_ = 0;
    last_ = last_revision;
    first_ = last_revision + 1;
  } else if (!row.ok()) {
    return row.status();
  }
  loaded_ = true;
  return absl::OkStatus();
}

absl::Status IndexWriter::Add(int64_t revision, int64_t event_bits,
                              absl::Span<const ObjectBits> objects) {
  const bool ends = WouldEndRun(objects.size());
  for (const ObjectBits& object : objects)
    pending_.push_back({object.id, revision,
                        EventBits(CauseOf(event_bits), SeverityOf(event_bits), object.changes)});
  last_ = revision;
  ++events_;
  return ends ? EndRun() : absl::OkStatus();
}

bool IndexWriter::WouldEndRun(size_t objects) const {
  return events_ + 1 >= kRunEvents || pending_.size() + objects >= kRunPostings;
}

absl::Status IndexWriter::EndRun() {
  if (events_ == 0) return absl::OkStatus();
  absl::Status status = WriteRun(first_, last_, RunLevel::kSmall, std::exchange(pending_, {}));
  pending_.reserve(kRunEvents * 4);
  first_ = last_ + 1;
  events_ = 0;
  return status;
}

absl::Status IndexWriter::WriteRun(int64_t first, int64_t last, RunLevel level,
                                   std::vector<Posting> postings) {
  Statements& s = *statements_;
  const PostingRun run = {next_id_++, first, last};
  int64_t bytes = 0;
  for (const Chunk& chunk : EncodeRun(run, std::move(postings))) {
    bytes += static_cast<int64_t>(chunk.bytes.size());
    if (absl::Status status = s.insert_chunk.Bind(1, chunk.key)
                                  .Bind(2, chunk.checksum)
                                  .BindBlob(3, chunk.bytes)
                                  .Run();
        !status.ok())
      return status;
  }
  ++written_;
  return s.insert_run.Bind(1, last)
      .Bind(2, first)
      .Bind(3, run.id)
      .Bind(4, static_cast<int64_t>(level))
      .Bind(5, bytes)
      .Run();
}

absl::Status IndexWriter::RemoveRun(int64_t last, int64_t id) {
  Statements& s = *statements_;
  absl::Status status =
      s.delete_chunks.Bind(1, ChunkKey(id, 0)).Bind(2, ChunkKey(id + 1, 0) - 1).Run();
  status.Update(s.delete_run.Bind(1, last).Run());
  return status;
}

absl::Status IndexWriter::Replace(int64_t first, int64_t last, RunLevel level,
                                  std::vector<Posting> postings) {
  Statement& within = statements_->run_at;
  std::vector<std::pair<int64_t, int64_t>> old;
  within.Bind(1, first).Bind(2, last);
  absl::StatusOr<bool> row = within.Step();
  for (; row.ok() && *row; row = within.Step()) old.emplace_back(within.Int(0), within.Int(1));
  within.Reset();
  if (!row.ok()) return row.status();
  for (const auto& [run_last, id] : old) {
    if (absl::Status status = RemoveRun(run_last, id); !status.ok()) return status;
  }
  return WriteRun(first, last, level, std::move(postings));
}

absl::Status IndexWriter::RemoveUpTo(int64_t trimmed) {
  Statement& trimmed_runs = statements_->runs_up_to;
  std::vector<std::pair<int64_t, int64_t>> old;
  trimmed_runs.Bind(1, trimmed);
  absl::StatusOr<bool> row = trimmed_runs.Step();
  for (; row.ok() && *row; row = trimmed_runs.Step())
    old.emplace_back(trimmed_runs.Int(0), trimmed_runs.Int(1));
  trimmed_runs.Reset();
  if (!row.ok()) return row.status();
  for (const auto& [last, id] : old) {
    if (absl::Status status = RemoveRun(last, id); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<PostingRun>> IndexWriter::RunsAfter(int64_t revision) {
  Statement& runs = statements_->runs;
  std::vector<PostingRun> out;
  runs.Bind(1, revision);
  absl::StatusOr<bool> row = runs.Step();
  for (; row.ok() && *row; row = runs.Step())
    out.push_back({runs.Int(0), runs.Int(1), runs.Int(2)});
  runs.Reset();
  if (!row.ok()) return row.status();
  return out;
}

absl::StatusOr<absl::flat_hash_set<int64_t>> IndexWriter::Used(const std::vector<int64_t>& ids,
                                                               int64_t trimmed) {
  absl::flat_hash_set<int64_t> used;
  if (ids.empty()) return used;
  const absl::flat_hash_set<int64_t> all(ids.begin(), ids.end());
  if (!loaded_) return all;
  absl::StatusOr<std::vector<PostingRun>> runs = RunsAfter(trimmed);
  if (absl::IsDataLoss(runs.status())) return all;
  if (!runs.ok()) return runs.status();
  for (const Posting& posting : pending_) {
    if (posting.revision > trimmed && all.contains(posting.object)) used.insert(posting.object);
  }
  int64_t tiled = trimmed;
  for (const PostingRun& run : *runs) {
    if (run.first > tiled + 1) return all;
    tiled = run.last;
  }
  if (first_ > tiled + 1) return all;
  for (const PostingRun& run : *runs) {
    if (used.size() == all.size()) break;
    absl::StatusOr<bool> intact = AddUsed(run, ids, trimmed, &used);
    if (!intact.ok()) return intact.status();
    if (!*intact) return all;
  }
  return used;
}

absl::StatusOr<bool> IndexWriter::AddUsed(const PostingRun& run, const std::vector<int64_t>& ids,
                                          int64_t trimmed, absl::flat_hash_set<int64_t>* used) {
  Statements& s = *statements_;
  absl::StatusOr<bool> row =
      s.chunk_of.Bind(1, ChunkKey(run.id, 0)).Bind(2, ChunkKey(run.id, ids.front())).Step();
  const bool found = row.ok() && *row && !s.chunk_of.IsNull(0);
  const int64_t begin = found ? s.chunk_of.Int(0) : 0;
  s.chunk_of.Reset();
  if (absl::IsDataLoss(row.status()) || (row.ok() && !found)) return false;
  if (!row.ok()) return row.status();

  std::vector<Posting> postings;
  s.chunks.Bind(1, begin).Bind(2, ChunkKey(run.id, ids.back()));
  int64_t expected = begin;
  bool intact = true;
  for (;;) {
    row = s.chunks.Step();
    if (!row.ok() || !*row) break;
    int64_t next = 0;
    intact = s.chunks.Int(0) == expected &&
             DecodeChunk(run, s.chunks.Int(0), s.chunks.Int(1), s.chunks.Blob(2), ids.front(),
                         ids.back() + 1, &postings, &next);
    if (!intact) break;
    expected = next == 0 ? std::numeric_limits<int64_t>::max() : ChunkKey(run.id, next);
  }
  s.chunks.Reset();
  if (absl::IsDataLoss(row.status()) || expected <= ChunkKey(run.id, ids.back())) intact = false;
  if (!intact) return false;
  if (!row.ok()) return row.status();
  for (const Posting& posting : postings) {
    if (posting.revision > trimmed && std::binary_search(ids.begin(), ids.end(), posting.object))
      used->insert(posting.object);
  }
  return true;
}

}  // namespace sasd::journal
