#include "daemon/journal/journal.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "daemon/journal/database_file.h"

namespace sasd::journal {
namespace {

constexpr const char* kMigrations[] = {
    // meta: id, epoch, base, machine, source, state_revision, trimmed, age.
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    // previous: NULL for revision - 1. bits: EventBits. objects: EncodeObjects.
    "CREATE TABLE events(revision INTEGER PRIMARY KEY, previous INTEGER, nanos INTEGER NOT NULL,"
    "  bits INTEGER NOT NULL, checksum INTEGER NOT NULL, objects BLOB NOT NULL,"
    "  payload BLOB NOT NULL);"
    "CREATE TABLE objects(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    "  kind INTEGER NOT NULL);"
    "CREATE TABLE event_objects(object INTEGER NOT NULL, revision INTEGER NOT NULL,"
    "  bits INTEGER NOT NULL, PRIMARY KEY(object, revision)) WITHOUT ROWID;"
    // What a range of events has in common, so that a search by time, cause or severity skips it.
    "CREATE TABLE spans(last INTEGER PRIMARY KEY, first INTEGER NOT NULL, count INTEGER NOT NULL,"
    "  min_nanos INTEGER NOT NULL, max_nanos INTEGER NOT NULL, causes INTEGER NOT NULL,"
    "  severity INTEGER NOT NULL);"
    // Reason 0: never used, between two epochs.
    "CREATE TABLE gaps(last INTEGER PRIMARY KEY, first INTEGER NOT NULL, reason INTEGER NOT NULL);"
    // How long the node had run when a revision was the last.
    "CREATE TABLE ages(revision INTEGER PRIMARY KEY, seconds INTEGER NOT NULL);"
    "CREATE TABLE state(object INTEGER PRIMARY KEY, present INTEGER NOT NULL,"
    "  revision INTEGER NOT NULL, checksum INTEGER NOT NULL, resource BLOB NOT NULL)",
    // 2: the index by object is in runs (posting_run.h). Those of older events are built later.
    "DROP TABLE event_objects;"
    "CREATE TABLE runs(last INTEGER PRIMARY KEY, first INTEGER NOT NULL, id INTEGER NOT NULL,"
    "  level INTEGER NOT NULL, bytes INTEGER NOT NULL);"
    "CREATE TABLE postings(key INTEGER PRIMARY KEY, checksum INTEGER NOT NULL,"
    "  entries BLOB NOT NULL)",
    // 3: the rows of all tables but ages have checksums (sqlite.cc: row_checksum).
    "ALTER TABLE meta ADD COLUMN checksum INTEGER;"
    "ALTER TABLE objects ADD COLUMN checksum INTEGER;"
    "ALTER TABLE spans ADD COLUMN checksum INTEGER;"
    "ALTER TABLE runs ADD COLUMN checksum INTEGER;"
    "ALTER TABLE gaps ADD COLUMN checksum INTEGER;"
    "UPDATE meta SET checksum = row_checksum(key, value);"
    "UPDATE objects SET checksum = row_checksum(id, name, kind);"
    "UPDATE spans SET checksum ="
    "  row_checksum(last, first, count, min_nanos, max_nanos, causes, severity);"
    "UPDATE runs SET checksum = row_checksum(last, first, id, level, bytes);"
    "UPDATE gaps SET checksum = row_checksum(last, first, reason)",
};
constexpr int64_t kMetaChecksumsSince = 3;

constexpr int64_t kSpanEvents = 512;
constexpr size_t kMaxCachedObjects = 200'000;
constexpr size_t kMaxIdleReaders = 4;
// Pages of the write-ahead log: with so many, writes wait once while the rest is copied back.
constexpr int64_t kMaxLogPages = 16'384;
// Rounds of copying before that.
constexpr int kCopyRounds = 4;
constexpr int64_t kFewPages = 128;
// Trimming stops after this long, so that the next sync is not late.
constexpr absl::Duration kTrimFor = absl::Milliseconds(200);
// A read waits so long for what was staged.
constexpr absl::Duration kReadPatience = absl::Seconds(1);

absl::StatusOr<std::optional<int64_t>> Number(StateStore& state, absl::string_view key) {
  absl::StatusOr<std::optional<std::string>> text = state.Get("journal", key);
  if (!text.ok()) return text.status();
  int64_t number = 0;
  if (!text->has_value() || !absl::SimpleAtoi(**text, &number)) return std::optional<int64_t>();
  return std::optional<int64_t>(number);
}

int NoteLogPages(void* pages, sqlite3*, const char*, int count) {
  static_cast<std::atomic<int64_t>*>(pages)->store(count, std::memory_order_relaxed);
  return SQLITE_OK;
}

// A name for the mark and the tail of a directory: no other directory of this boot has it.
absl::StatusOr<std::string> MarkName(const std::string& directory) {
  struct stat info {};
  if (stat(directory.c_str(), &info) != 0) return absl::ErrnoToStatus(errno, directory);
  return absl::StrCat("sasd-", info.st_dev, "-", info.st_ino);
}

// Whether a row may come after the revision `last`.
bool Follows(const EventRow& row, int64_t last) {
  if (!row.gap.any()) return row.revision == last + 1;
  return row.gap.first <= row.gap.last && row.gap.first <= last + 1 &&
         row.gap.last == row.revision - 1 && row.gap.last >= last;
}

}  // namespace

struct Journal::Writer {
  Database db;
  Statement insert_event, find_object, next_object, insert_object, insert_span, insert_gap,
      delete_gaps, put_state, put_meta;
};

void Journal::Summary::Add(const EventRow& row) {
  if (count++ == 0) {
    first = row.revision;
    min_nanos = max_nanos = row.unix_nanos;
    causes = severity = 0;
  }
  last = row.revision;
  min_nanos = std::min(min_nanos, row.unix_nanos);
  max_nanos = std::max(max_nanos, row.unix_nanos);
  causes |= int64_t{1} << row.cause;
  severity = std::max<int64_t>(severity, row.severity);
}

Journal::Journal(const Options& options, StateStore& state)
    : options_(options), path_(options.directory + "/journal.db"), state_(state) {}

absl::StatusOr<std::unique_ptr<Journal>> Journal::Open(const Options& options, StateStore& state) {
  auto journal = absl::WrapUnique(new Journal(options, state));
  absl::Status status = journal->SetUp();
  if (absl::IsDataLoss(status)) {
    // Once more, with SQLite's check.
    journal = nullptr;
    const StateStore::Edit edit{"journal", "suspect", ""};
    if (absl::Status noted = state.Write({edit}); !noted.ok()) return noted;
    journal = absl::WrapUnique(new Journal(options, state));
    status = journal->SetUp();
    if (absl::IsDataLoss(status)) status = absl::UnavailableError(status.message());
  }
  if (!status.ok()) return status;
  return journal;
}

Journal::~Journal() {
  {
    absl::MutexLock lock(&mu_);
    stop_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

absl::Status Journal::SetUp() {
  absl::StatusOr<std::optional<std::string>> suspect = state_.Get("journal", "suspect");
  if (!suspect.ok()) return suspect.status();
  absl::StatusOr<OpenedFile> file = OpenFile({.path = path_,
                                              .vfs = options_.vfs,
                                              .machine = options_.machine,
                                              .source = options_.source,
                                              .take_over = options_.new_epoch,
                                              .suspect = suspect->has_value(),
                                              .migrations = kMigrations,
                                              .meta_checksums_since = kMetaChecksumsSince});
  if (!file.ok()) return file.status();
  {
    absl::MutexLock lock(&write_mu_);
    writer_ = std::make_unique<Writer>();
    Writer& w = *writer_;
    w.db = std::move(file->db);
    // NORMAL: a commit hands its pages to the operating system. What syncs is the maintenance; a
    // write syncs only the header of the log where it starts the log over (CopyLog).
    if (absl::Status status = w.db.Exec("PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16384");
        !status.ok())
      return status;
    sqlite3_wal_hook(w.db.handle(), NoteLogPages, &log_pages_);
    for (const auto& [statement, sql] : std::initializer_list<std::pair<Statement*, const char*>>{
             {&w.insert_event, "INSERT INTO events VALUES(?, ?, ?, ?, ?, ?, ?)"},
             {&w.find_object, "SELECT id FROM objects WHERE name = ?"},
             {&w.next_object, "SELECT ifnull(max(id), 0) + 1 FROM objects"},
             {&w.insert_object, "INSERT INTO objects VALUES(?1, ?2, ?3, row_checksum(?1, ?2, ?3))"},
             {&w.insert_span,
              "INSERT OR REPLACE INTO spans VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7,"
              "  row_checksum(?1, ?2, ?3, ?4, ?5, ?6, ?7))"},
             {&w.insert_gap,
              "INSERT OR REPLACE INTO gaps VALUES(?1, ?2, ?3, row_checksum(?1, ?2, ?3))"},
             {&w.delete_gaps, "DELETE FROM gaps WHERE first >= ? AND last <= ?"},
             {&w.put_state, "INSERT OR REPLACE INTO state VALUES(?, ?, ?, ?, ?)"},
             {&w.put_meta, "INSERT OR REPLACE INTO meta VALUES(?1, ?2, row_checksum(?1, ?2))"}}) {
      absl::StatusOr<Statement> prepared = w.db.Prepare(sql);
      if (!prepared.ok()) return prepared.status();
      *statement = *std::move(prepared);
    }
    if (absl::Status status = Begin(file->created, file->moved_aside); !status.ok()) return status;
    if (absl::Status status = LoadSummary(); !status.ok()) return status;
    absl::StatusOr<std::unique_ptr<IndexWriter>> index = IndexWriter::Open(w.db);
    if (!index.ok()) return index.status();
    index_ = *std::move(index);
    if (absl::Status status = LoadIndex(); !status.ok()) return status;
    absl::StatusOr<std::unique_ptr<Trimmer>> trimmer =
        Trimmer::Open(w.db, *index_, options_.boot_id, options_.clock->Monotonic());
    if (!trimmer.ok()) return trimmer.status();
    trimmer_ = *std::move(trimmer);
    absl::StatusOr<int64_t> objects = w.db.Int("SELECT EXISTS(SELECT 1 FROM objects)");
    if (!objects.ok()) return objects.status();
    all_object_ids_ = *objects == 0;
  }
  if (absl::Status status = OpenMaintenance(); !status.ok()) return status;
  if (absl::Status status = Maintain(); !status.ok()) return status;
  if (options_.maintenance_thread) thread_ = std::thread([this] { Run(); });
  return absl::OkStatus();
}

absl::Status Journal::OpenMaintenance() {
  absl::MutexLock lock(&maintenance_mu_);
  absl::StatusOr<Database> db = Database::Open(path_, {.vfs = options_.vfs});
  if (!db.ok()) return db.status();
  maintenance_ = *std::move(db);
  // It never waits for a reader: the next round goes on.
  sqlite3_busy_timeout(maintenance_.handle(), 0);
  // NORMAL: a checkpoint syncs the log before it copies, and the database after.
  if (absl::Status status =
          maintenance_.Exec("PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0");
      !status.ok())
    return status;
  // The first read opens the log.
  absl::StatusOr<std::unique_ptr<IndexMerger>> merger = IndexMerger::Open(maintenance_);
  if (!merger.ok()) return merger.status();
  merger_ = *std::move(merger);
  return maintenance_.Int("SELECT count(*) FROM meta").status();
}

absl::Status Journal::Begin(bool created, const std::string& moved_aside) {
  Database& db = writer_->db;
  if (created) {
    if (absl::Status status = PutMeta("id", options_.fresh_epoch); !status.ok()) return status;
  }
  // A start that was cut short between the schema and this has no id yet.
  absl::StatusOr<std::string> id = db.Text("SELECT value FROM meta WHERE key = 'id'");
  if (absl::IsNotFound(id.status())) {
    created = true;
    id = options_.fresh_epoch;
    if (absl::Status status = PutMeta("id", *id); !status.ok()) return status;
  }
  if (!id.ok()) return id.status();
  absl::StatusOr<std::string> epoch = db.Text("SELECT value FROM meta WHERE key = 'epoch'");
  if (!epoch.ok() && !absl::IsNotFound(epoch.status())) return epoch.status();
  absl::StatusOr<std::string> mark_name = MarkName(options_.directory);
  if (!mark_name.ok()) return mark_name.status();
  bool tail_damaged = false;
  if (absl::Status status = WriteTail(*mark_name, *id, &tail_damaged); !status.ok()) return status;
  absl::StatusOr<int64_t> last = LastStored();
  if (!last.ok()) return last.status();
  absl::StatusOr<int64_t> last_row = db.Int("SELECT ifnull(max(revision), 0) FROM events");
  if (!last_row.ok()) return last_row.status();
  absl::StatusOr<int64_t> state_revision =
      db.Int("SELECT ifnull((SELECT value FROM meta WHERE key = 'state_revision'), 0)");
  if (!state_revision.ok()) return state_revision.status();
  state_revision_ = *state_revision;

  absl::StatusOr<std::optional<int64_t>> reserved = Number(state_, "reserved");
  if (!reserved.ok()) return reserved.status();
  absl::StatusOr<std::optional<int64_t>> clean_end = Number(state_, "clean_end");
  if (!clean_end.ok()) return clean_end.status();
  absl::StatusOr<std::optional<std::string>> boot = state_.Get("journal", "boot");
  if (!boot.ok()) return boot.status();

  absl::StatusOr<std::unique_ptr<VisibleMark>> mark = VisibleMark::Open(
      absl::StrCat(options_.mark_directory, "/", *mark_name, ".mark"), *id, options_.boot_id);
  // Without it a start after a kill jumps, as after a power loss.
  if (mark.ok()) mark_ = *std::move(mark);
  const bool same_boot = mark_ != nullptr && mark_->found();
  const VisibleMark::Values seen = same_boot ? mark_->previous() : VisibleMark::Values();

  if (!moved_aside.empty())
    start_.losses.push_back(
        absl::StrCat("journal.db was corrupt, and is now ", moved_aside, ": its history is lost"));
  if (created && moved_aside.empty() && boot->has_value())
    start_.losses.push_back("journal.db was missing: its history is lost");
  start_.first = *last_row == 0;
  start_.new_epoch = created || options_.new_epoch || !epoch.ok();

  int64_t top = *last;  // the last revision that is used up
  std::optional<Gap> jump;
  if (start_.new_epoch) {
    top = std::max({*last, reserved->value_or(0), seen.written, seen.visible});
  } else if (*clean_end == *last) {
    // Nothing is missing.
  } else if (same_boot) {
    top = std::max({*last, seen.written, seen.visible});
    const bool damaged = seen.written > *last || tail_damaged;
    if (top > *last)
      jump = Gap{*last + 1, top, damaged ? GapReason::kJournalDamaged : GapReason::kJournalStalled};
  } else if (reserved->has_value() && **reserved >= *last) {
    top = **reserved;
    if (top > *last)
      jump = Gap{*last + 1, top,
                 clean_end->has_value() ? GapReason::kJournalDamaged : GapReason::kPowerLoss};
  } else {
    start_.new_epoch = true;
    start_.losses.push_back("state.db does not say which revisions are used: a new epoch begins");
  }
  if (jump.has_value() && jump->reason == GapReason::kJournalDamaged)
    start_.losses.push_back(absl::StrCat("the journal lacks revisions that were written: ",
                                         jump->first, " to at most ", jump->last));
  start_.next_revision = top + 1;

  // Once this is on the disk, all that this process shows lies below the reservation.
  const int64_t next_reserved = std::max(top + 2 * options_.reserved_block, reserved->value_or(0));
  const StateStore::Edit edits[] = {
      {"journal", "reserved", absl::StrCat(next_reserved)},
      {"journal", "boot", options_.boot_id},
      {"journal", "clean_end", std::nullopt},
      {"journal", "suspect", std::nullopt},
  };
  if (absl::Status status = state_.Write(edits); !status.ok()) return status;
  reserved_ = next_reserved;

  absl::StatusOr<Transaction> transaction = Transaction::Begin(db, true);
  if (!transaction.ok()) return transaction.status();
  if (start_.new_epoch) {
    epoch = options_.fresh_epoch;
    if (absl::Status status = PutMeta("epoch", *epoch); !status.ok()) return status;
    // The first revision of the epoch follows this one; no gap is declared between epochs.
    if (absl::Status status = PutMeta("base", absl::StrCat(top)); !status.ok()) return status;
    if (top > *last) {
      if (absl::Status status = WriteGap({*last + 1, top, GapReason::kNone}); !status.ok())
        return status;
    }
  }
  if (jump.has_value()) {
    if (absl::Status status = WriteGap(*jump); !status.ok()) return status;
  }
  // Gaps that no event follows yet are one: the next event carries it.
  absl::StatusOr<int64_t> base =
      db.Int("SELECT ifnull((SELECT value FROM meta WHERE key = 'base'), 0)");
  if (!base.ok()) return base.status();
  const int64_t begin = std::max(*last_row, *base);
  if (top > begin && !start_.new_epoch) {
    absl::StatusOr<int64_t> reason = db.Int(
        absl::StrCat("SELECT reason FROM gaps WHERE last > ", begin,
                     " AND checksum IS row_checksum(last, first, reason) ORDER BY first LIMIT 1"));
    if (!reason.ok()) return reason.status();
    start_.gap = Gap{begin + 1, top, static_cast<GapReason>(*reason)};
    if (absl::Status status = WriteGap(*start_.gap); !status.ok()) return status;
  }
  if (absl::Status status = transaction->Commit(); !status.ok()) return status;
  epoch_ = *epoch;
  last_revision_ = top;
  unsynced_ = true;
  if (mark_ != nullptr) mark_->SetWritten(top);
  return absl::OkStatus();
}

absl::StatusOr<int64_t> Journal::LastStored() {
  return writer_->db.Int(
      "SELECT max(ifnull((SELECT max(revision) FROM events), 0),"
      "  ifnull((SELECT max(last) FROM gaps WHERE checksum IS row_checksum(last, first, reason)),"
      "    0),"
      "  ifnull((SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'base'), 0))");
}

absl::Status Journal::WriteTail(const std::string& mark_name, const std::string& id,
                                bool* damaged) {
  absl::StatusOr<std::unique_ptr<EventTail>> tail =
      EventTail::Open(absl::StrCat(options_.mark_directory, "/", mark_name, ".tail"), id,
                      options_.boot_id, options_.tail_bytes);
  if (!tail.ok()) return absl::OkStatus();  // rows are appended before they are shown
  tail_ = *std::move(tail);
  const EventTail::Left left = tail_->ReadLeft();
  *damaged = left.damaged;
  if (!left.rows.empty()) {
    absl::StatusOr<int64_t> last = LastStored();
    if (!last.ok()) return last.status();
    absl::StatusOr<Transaction> transaction = Transaction::Begin(writer_->db, true);
    if (!transaction.ok()) return transaction.status();
    for (const EventRow& row : left.rows) {
      if (row.revision <= *last) continue;  // killed between its Append and the note of that
      if (!Follows(row, *last)) {           // of another copy of the journal
        *damaged = true;
        break;
      }
      std::vector<ObjectBits> objects;
      if (absl::Status status = InsertEvent(row, &objects); !status.ok()) return status;
      last = row.revision;
    }
    if (absl::Status status = transaction->Commit(); !status.ok()) return status;
  }
  tail_->Clear();
  return absl::OkStatus();
}

absl::Status Journal::LoadSummary() {
  absl::StatusOr<Statement> tail = writer_->db.Prepare(
      "SELECT revision, nanos, bits FROM events"
      " WHERE revision > ifnull((SELECT max(last) FROM spans), 0) ORDER BY revision",
      false);
  if (!tail.ok()) return tail.status();
  for (;;) {
    absl::StatusOr<bool> row = tail->Step();
    if (absl::IsDataLoss(row.status())) {
      // The span must not hide what cannot be read now: it has everything.
      summary_.causes = -1;
      summary_.severity = 15;
      summary_.min_nanos = std::numeric_limits<int64_t>::min();
      summary_.max_nanos = std::numeric_limits<int64_t>::max();
      if (summary_.count == 0) {
        absl::StatusOr<int64_t> last =
            writer_->db.Int("SELECT ifnull((SELECT max(last) FROM spans), 0)");
        if (!last.ok()) return last.status();
        summary_.first = *last + 1;
        summary_.count = 1;
      }
      damaged_ = true;
      return absl::OkStatus();
    }
    if (!row.ok()) return row.status();
    if (!*row) return absl::OkStatus();
    EventRow event;
    event.revision = tail->Int(0);
    event.unix_nanos = tail->Int(1);
    event.cause = CauseOf(tail->Int(2));
    event.severity = SeverityOf(tail->Int(2));
    summary_.Add(event);
  }
}

absl::Status Journal::LoadIndex() {
  bool damaged = false;
  absl::Status status = index_->Load(last_revision_.load(), &damaged);
  if (damaged) damaged_ = true;
  return status;
}

absl::Status Journal::PutMeta(absl::string_view key, absl::string_view value) {
  return writer_->put_meta.BindText(1, key).BindText(2, value).Run();
}

bool Journal::Stage(absl::Span<const EventRow> rows) {
  if (tail_ == nullptr || rows.empty()) return false;
  int64_t last = std::max(last_revision_.load(), staged_.load());
  for (const EventRow& row : rows) {
    if (!Follows(row, last)) return false;
    last = row.revision;
  }
  if (last > reserved_.load() || !tail_->Add(rows)) return false;
  staged_ = last;
  SetVisible(last);
  return true;
}

absl::Status Journal::Append(absl::Span<const EventRow> rows) {
  if (rows.empty()) return absl::OkStatus();
  int64_t last = last_revision_.load();
  for (const EventRow& row : rows) {
    if (!Follows(row, last))
      return absl::InvalidArgumentError(absl::StrCat("journal: revision ", row.revision,
                                                     " with gap ", row.gap.first, "-", row.gap.last,
                                                     " does not follow ", last));
    if (row.cause > 62 || row.severity > 15)
      return absl::InvalidArgumentError(absl::StrCat("journal: cause ", row.cause, " or severity ",
                                                     row.severity, " is out of range"));
    last = row.revision;
  }
  if (last > reserved_.load())
    return absl::UnavailableError(
        absl::StrCat(path_, ": no revisions are reserved after ", reserved_.load()));

  absl::Status status;
  {
    ++waiting_;
    absl::MutexLock lock(&write_mu_);
    --waiting_;
    status = Noted(AppendLocked(rows));
    if (!status.ok()) {
      // They may be of rows that were rolled back.
      ForgetObjectIds();
      index_->Forget();
    }
  }
  if (!status.ok()) return status;
  if (tail_ != nullptr) tail_->Forget(last);
  is_behind_ = false;
  int64_t bytes = 0;
  for (const EventRow& row : rows) bytes += static_cast<int64_t>(row.payload.size());
  {
    absl::MutexLock lock(&mu_);
    stats_.events += static_cast<int64_t>(rows.size());
    stats_.payload_bytes += bytes;
    wanted_ = wanted_ || last > reserved_.load() - options_.reserved_block ||
              log_pages_.load() > kMaxLogPages;
  }
  return absl::OkStatus();
}

absl::Status Journal::AppendLocked(absl::Span<const EventRow> rows) {
  if (!index_->loaded()) {
    if (absl::Status status = LoadIndex(); !status.ok()) return status;
  }
  const Summary before = summary_;
  const absl::Status status = IsOneInsert(rows) ? WriteRow(rows[0]) : WriteInTransaction(rows);
  if (!status.ok()) {
    summary_ = before;
    return status;
  }
  last_revision_ = rows.back().revision;
  unsynced_ = true;
  if (mark_ != nullptr) mark_->SetWritten(rows.back().revision);
  return absl::OkStatus();
}

bool Journal::IsOneInsert(absl::Span<const EventRow> rows) const {
  if (rows.size() != 1 || rows[0].gap.any() || summary_.count + 1 >= kSpanEvents) return false;
  for (const ObjectChange& object : rows[0].objects) {
    if (!object_ids_.contains(object.name)) return false;  // its name is a row of its own
  }
  return !index_->WouldEndRun(rows[0].objects.size());
}

absl::Status Journal::WriteInTransaction(absl::Span<const EventRow> rows) {
  absl::StatusOr<Transaction> transaction = Transaction::Begin(writer_->db, true);
  if (!transaction.ok()) return transaction.status();
  for (const EventRow& row : rows) {
    if (absl::Status status = WriteRow(row); !status.ok()) return status;
  }
  return transaction->Commit();
}

absl::Status Journal::InsertEvent(const EventRow& row, std::vector<ObjectBits>* out) {
  Writer& w = *writer_;
  std::vector<ObjectBits>& objects = *out;
  if (row.gap.any()) {
    if (absl::Status status = WriteGap(row.gap); !status.ok()) return status;
  }
  objects.reserve(row.objects.size());
  for (const ObjectChange& object : row.objects) {
    absl::StatusOr<int64_t> id = ObjectId(object.name, object.kind);
    if (!id.ok()) return id.status();
    objects.push_back({*id, static_cast<uint8_t>(1 << (object.change & 7))});
  }
  std::sort(objects.begin(), objects.end(),
            [](const ObjectBits& a, const ObjectBits& b) { return a.id < b.id; });
  size_t kept = 0;
  for (const ObjectBits& object : objects) {
    if (kept > 0 && objects[kept - 1].id == object.id) {
      objects[kept - 1].changes |= object.changes;
    } else {
      objects[kept++] = object;
    }
  }
  objects.resize(kept);

  const std::string encoded = EncodeObjects(objects);
  const int64_t bits = EventBits(row.cause, row.severity, 0);
  w.insert_event.Bind(1, row.revision)
      .Bind(3, row.unix_nanos)
      .Bind(4, bits)
      .Bind(5, EventChecksum(row.revision, row.previous_revision, row.unix_nanos, bits, encoded,
                             row.payload))
      .BindBlob(6, encoded)
      .BindBlob(7, row.payload);
  if (row.previous_revision != row.revision - 1) w.insert_event.Bind(2, row.previous_revision);
  return w.insert_event.Run();
}

absl::Status Journal::WriteRow(const EventRow& row) {
  Writer& w = *writer_;
  std::vector<ObjectBits> objects;
  if (absl::Status status = InsertEvent(row, &objects); !status.ok()) return status;
  const int64_t bits = EventBits(row.cause, row.severity, 0);
  if (absl::Status status = index_->Add(row.revision, bits, objects); !status.ok()) return status;
  summary_.Add(row);
  if (summary_.count < kSpanEvents) return absl::OkStatus();
  const Summary full = std::exchange(summary_, Summary());
  if (absl::Status status = index_->EndRun(); !status.ok()) return status;
  return w.insert_span.Bind(1, full.last)
      .Bind(2, full.first)
      .Bind(3, full.count)
      .Bind(4, full.min_nanos)
      .Bind(5, full.max_nanos)
      .Bind(6, full.causes)
      .Bind(7, full.severity)
      .Run();
}

absl::Status Journal::WriteGap(const Gap& gap) {
  if (absl::Status status = writer_->delete_gaps.Bind(1, gap.first).Bind(2, gap.last).Run();
      !status.ok())
    return status;
  return writer_->insert_gap.Bind(1, gap.last)
      .Bind(2, gap.first)
      .Bind(3, static_cast<int64_t>(gap.reason))
      .Run();
}

absl::StatusOr<int64_t> Journal::ObjectId(const std::string& name, uint8_t kind) {
  if (auto it = object_ids_.find(name); it != object_ids_.end()) return it->second;
  Writer& w = *writer_;
  int64_t id = 0;
  if (!all_object_ids_) {
    absl::StatusOr<bool> row = w.find_object.BindText(1, name).Step();
    if (row.ok() && *row) id = w.find_object.Int(0);
    w.find_object.Reset();
    if (!row.ok()) return row.status();
  }
  if (id == 0) {
    absl::StatusOr<bool> row = w.next_object.Step();
    if (row.ok() && *row) id = w.next_object.Int(0);
    w.next_object.Reset();
    if (!row.ok()) return row.status();
    if (absl::Status status = w.insert_object.Bind(1, id).BindText(2, name).Bind(3, kind).Run();
        !status.ok())
      return status;
  }
  if (object_ids_.size() >= kMaxCachedObjects) ForgetObjectIds();
  object_ids_.emplace(name, id);
  return id;
}

void Journal::ForgetObjectIds() {
  object_ids_.clear();
  all_object_ids_ = false;
}

void Journal::SetVisible(int64_t revision) {
  int64_t now = visible_.load();
  while (now < revision && !visible_.compare_exchange_weak(now, revision)) {
  }
  if (mark_ != nullptr) mark_->SetVisible(revision);
}

void Journal::AwaitStaged() {
  const int64_t staged = staged_.load();
  const auto is_written = [this, staged] {
    return last_revision_.load() >= staged || is_behind_.load();
  };
  if (is_written()) return;
  // Append releases this lock at its end.
  absl::MutexLock lock(&mu_);
  if (!mu_.AwaitWithTimeout(absl::Condition(&is_written), kReadPatience)) is_behind_ = true;
}

absl::StatusOr<std::unique_ptr<JournalReader>> Journal::TakeReader() {
  AwaitStaged();
  {
    absl::MutexLock lock(&readers_mu_);
    if (!idle_readers_.empty()) {
      std::unique_ptr<JournalReader> reader = std::move(idle_readers_.back());
      idle_readers_.pop_back();
      return reader;
    }
  }
  return JournalReader::Open(path_, options_.vfs);
}

void Journal::ReturnReader(std::unique_ptr<JournalReader> reader) {
  absl::MutexLock lock(&readers_mu_);
  if (idle_readers_.size() < kMaxIdleReaders) idle_readers_.push_back(std::move(reader));
}

absl::StatusOr<Page> Journal::Read(const Query& query, Interrupted interrupted) {
  absl::StatusOr<std::unique_ptr<JournalReader>> reader = TakeReader();
  // What the read finds is of this revision at least.
  const int64_t last = last_revision_.load();
  absl::StatusOr<Page> page = reader.ok() ? (*reader)->Read(query, interrupted) : reader.status();
  if (reader.ok()) ReturnReader(*std::move(reader));
  if (absl::IsDataLoss(page.status())) {
    // Nothing of it can be read: all of it is lost.
    const Gap lost = {std::clamp<int64_t>(query.after, 0, last) + 1,
                      query.until < 1 ? last : std::min(last, query.until - 1),
                      GapReason::kJournalDamaged};
    page = Page();
    if (lost.first <= lost.last) page->gaps.push_back(lost);
  }
  if (page.ok()) {
    for (const Gap& gap : page->gaps) {
      if (gap.reason == GapReason::kJournalDamaged) damaged_ = true;
    }
  }
  return page;
}

absl::StatusOr<std::optional<Gap>> Journal::FindGap(int64_t revision) {
  absl::StatusOr<std::unique_ptr<JournalReader>> reader = TakeReader();
  if (!reader.ok()) return reader.status();
  absl::StatusOr<std::optional<Gap>> gap = (*reader)->FindGap(revision);
  ReturnReader(*std::move(reader));
  if (absl::IsDataLoss(gap.status()))
    return std::optional<Gap>(Gap{revision, revision, GapReason::kJournalDamaged});
  return gap;
}

absl::StatusOr<std::optional<StateRow>> Journal::FindState(const std::string& name) {
  absl::StatusOr<std::unique_ptr<JournalReader>> reader = TakeReader();
  if (!reader.ok()) return reader.status();
  absl::StatusOr<std::optional<StateRow>> row = (*reader)->FindState(name);
  ReturnReader(*std::move(reader));
  return row;
}

absl::StatusOr<int64_t> Journal::VisitState(const std::function<void(StateRow)>& visit,
                                            bool only_gone, Interrupted interrupted) {
  absl::StatusOr<std::unique_ptr<JournalReader>> reader = TakeReader();
  if (!reader.ok()) return reader.status();
  absl::StatusOr<int64_t> damaged = (*reader)->VisitState(visit, only_gone, interrupted);
  ReturnReader(*std::move(reader));
  return damaged;
}

absl::Status Journal::WriteState(absl::Span<const StateRow> rows) {
  ++waiting_;
  absl::MutexLock lock(&write_mu_);
  --waiting_;
  absl::StatusOr<Transaction> transaction = Transaction::Begin(writer_->db, true);
  absl::Status status = transaction.status();
  for (size_t i = 0; status.ok() && i < rows.size(); ++i) {
    const StateRow& row = rows[i];
    absl::StatusOr<int64_t> id = ObjectId(row.name, row.kind);
    status = id.status();
    if (!status.ok()) break;
    status = writer_->put_state.Bind(1, *id)
                 .Bind(2, row.present)
                 .Bind(3, row.revision)
                 .Bind(4, StateChecksum(row))
                 .BindBlob(5, row.resource)
                 .Run();
  }
  if (status.ok()) status = transaction->Commit();
  if (!status.ok()) ForgetObjectIds();
  unsynced_ = true;
  return Noted(status);
}

absl::Status Journal::FinishState(int64_t revision, const std::optional<Gap>& gap) {
  ++waiting_;
  absl::MutexLock lock(&write_mu_);
  --waiting_;
  const int64_t last = last_revision_.load();
  const bool follows =
      gap.has_value() ? gap->first == last + 1 && gap->last == revision && gap->first <= gap->last
                      : revision <= last;
  if (!follows)
    return absl::InvalidArgumentError(
        absl::StrCat("journal: the state of revision ", revision, " does not follow ", last));
  absl::StatusOr<Transaction> transaction = Transaction::Begin(writer_->db, true);
  if (!transaction.ok()) return transaction.status();
  if (absl::Status status = PutMeta("state_revision", absl::StrCat(revision)); !status.ok())
    return status;
  if (gap.has_value()) {
    if (absl::Status status = WriteGap(*gap); !status.ok()) return status;
  }
  if (absl::Status status = transaction->Commit(); !status.ok()) return status;
  state_revision_ = revision;
  unsynced_ = true;
  if (!gap.has_value()) return absl::OkStatus();
  last_revision_ = revision;
  if (mark_ != nullptr) mark_->SetWritten(revision);
  if (tail_ != nullptr) tail_->Forget(revision);
  return absl::OkStatus();
}

absl::Status Journal::Reserve(int64_t after) {
  const int64_t next = after + 2 * options_.reserved_block;
  const StateStore::Edit edit{"journal", "reserved", absl::StrCat(next)};
  absl::Status status = state_.Write({edit});
  if (status.ok()) reserved_ = next;
  return status;
}

absl::Status Journal::Sync() {
  absl::MutexLock lock(&maintenance_mu_);
  if (!unsynced_.exchange(false)) return absl::OkStatus();
  const absl::Duration begin = options_.clock->Monotonic();
  absl::Status status = maintenance_.SyncLog();
  const absl::Duration took = options_.clock->Monotonic() - begin;
  if (!status.ok()) unsynced_ = true;
  absl::MutexLock stats_lock(&mu_);
  ++stats_.syncs;
  stats_.longest_sync = std::max(stats_.longest_sync, took);
  return status;
}

void Journal::LockForMaintenance() {
  const auto idle = [this] { return waiting_.load() == 0; };
  write_mu_.LockWhen(absl::Condition(&idle));
}

absl::Status Journal::Noted(absl::Status status) {
  if (absl::IsDataLoss(status)) damaged_ = unwritable_ = true;
  return status;
}

absl::Status Journal::Maintain() {
  absl::Status result = Sync();
  const int64_t top = std::max(last_revision_.load(), visible_.load());
  if (top > reserved_.load() - options_.reserved_block) result.Update(Reserve(top));

  absl::MutexLock lock(&maintenance_mu_);
  result.Update(MendIndex());
  result.Update(CopyLog());
  result.Update(Trim());
  if (unwritable_.load() && !noted_unwritable_) {
    const StateStore::Edit edit{"journal", "suspect", ""};
    absl::Status noted = state_.Write({edit});
    noted_unwritable_ = noted.ok();
    result.Update(noted);
  }
  absl::MutexLock stats_lock(&mu_);
  stats_.last_error = result;
  return result;
}

absl::Status Journal::MendIndex() {
  const absl::Duration begin = options_.clock->Monotonic();
  for (;;) {
    LockForMaintenance();
    const int64_t written = index_->written();
    write_mu_.Unlock();
    if (written == runs_seen_) return absl::OkStatus();
    absl::StatusOr<std::optional<IndexMerger::Work>> work = merger_->Next();
    if (!work.ok()) return work.status();
    if (!work->has_value()) {
      runs_seen_ = written;
      return absl::OkStatus();
    }
    LockForMaintenance();
    absl::StatusOr<Transaction> transaction = Transaction::Begin(writer_->db, true);
    absl::Status status = transaction.status();
    if (status.ok())
      status = index_->Replace((*work)->first, (*work)->last, (*work)->level,
                               std::move((*work)->postings));
    if (status.ok()) status = transaction->Commit();
    if (!status.ok()) index_->Forget();
    write_mu_.Unlock();
    if (!status.ok()) return Noted(status);
    unsynced_ = true;
    if (options_.clock->Monotonic() - begin > kTrimFor) {
      absl::MutexLock lock(&mu_);
      wanted_ = true;
      return absl::OkStatus();
    }
  }
}

// A write starts the log over, in place, once all of it is copied. It syncs the log's new header
// first, because old frames of the log, whose pages are newer in the database, must not be valid
// after a power loss. So the log stays as large as it was, and its pages are written again.
absl::Status Journal::CopyLog() {
  if (log_pages_.load() < options_.checkpoint_pages) return absl::OkStatus();
  int pages = 0;
  int copied = 0;
  const auto copy = [&](int mode)
                        ABSL_EXCLUSIVE_LOCKS_REQUIRED(maintenance_mu_) -> absl::StatusOr<bool> {
    const int code =
        sqlite3_wal_checkpoint_v2(maintenance_.handle(), nullptr, mode, &pages, &copied);
    if (code == SQLITE_OK) return true;
    // BUSY: a reader holds an old snapshot; the next round goes on.
    if ((code & 0xff) == SQLITE_BUSY) return false;
    return Noted(maintenance_.Error(code));
  };
  // Each round copies what was written during the one before, so that little is left for the end,
  // which holds up the writes.
  absl::StatusOr<bool> done = true;
  for (int round = 0; round < kCopyRounds; ++round) {
    done = copy(SQLITE_CHECKPOINT_PASSIVE);
    if (!done.ok()) return done.status();
    if (!*done || log_pages_.load() - copied < kFewPages) break;
  }
  // Writes that never pause are stopped once the log is large, for what they wrote meanwhile.
  absl::MutexLock writers(&write_mu_);
  const bool all = copied == pages && log_pages_.load() == pages;
  if (!all && log_pages_.load() < kMaxLogPages) return absl::OkStatus();
  // Only a reader that held an old snapshot for long makes it so large.
  const bool is_huge = log_pages_.load() > 4 * kMaxLogPages;
  done = copy(is_huge ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE);
  if (!done.ok()) return done.status();
  if (*done && copied == pages) log_pages_ = 0;  // the next write counts anew
  return absl::OkStatus();
}

absl::Status Journal::Trim() {
  const absl::Duration begin = options_.clock->Monotonic();
  absl::Status result;
  bool more = true;
  bool over = false;
  int64_t used = 0;
  int64_t trimmed = 0;
  while (more && result.ok()) {
    LockForMaintenance();
    const absl::Status aged =
        trimmer_->CountAge(last_revision_.load(), options_.clock->Monotonic(), options_.max_age);
    absl::StatusOr<int64_t> bytes = trimmer_->UsedBytes();
    absl::StatusOr<bool> slice = false;
    if (aged.ok() && bytes.ok()) {
      used = *bytes;
      over = used > options_.max_bytes;
      const int64_t bound = state_revision_.load();
      const int64_t up_to = over ? bound : std::min(bound, trimmer_->old());
      slice = trimmer_->TrimSlice(std::max(up_to, trimmer_->trimmed()));
    }
    std::vector<std::string> erased;
    absl::StatusOr<bool> sweep = false;
    if (slice.ok() && !*slice) sweep = trimmer_->SweepSlice(&erased);
    for (const std::string& name : erased) object_ids_.erase(name);
    trimmed = trimmer_->trimmed();
    write_mu_.Unlock();
    result.Update(aged);
    result.Update(bytes.status());
    result.Update(slice.status());
    result.Update(sweep.status());
    if (!result.ok()) break;
    over = over && !*slice;
    more = *slice || *sweep;
    if (more) unsynced_ = true;
    if (more && options_.clock->Monotonic() - begin > kTrimFor) {
      absl::MutexLock lock(&mu_);
      wanted_ = true;
      break;
    }
  }
  absl::MutexLock lock(&mu_);
  stats_.used_bytes = used;
  stats_.trimmed = trimmed;
  stats_.over_limit = over;
  return Noted(result);
}

void Journal::Run() {
  for (;;) {
    {
      absl::MutexLock lock(&mu_);
      const auto due = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return stop_ || wanted_; };
      mu_.AwaitWithTimeout(absl::Condition(&due), options_.sync_interval);
      if (stop_) return;
      wanted_ = false;
    }
    Maintain().IgnoreError();  // stats() has it
  }
}

absl::Status Journal::Close() {
  {
    absl::MutexLock lock(&mu_);
    stop_ = true;
  }
  if (thread_.joinable()) thread_.join();
  if (absl::Status status = Sync(); !status.ok()) return status;
  // Revisions that were shown and never written or declared: the next start does it.
  const int64_t last = last_revision_.load();
  if (visible_.load() > last) return absl::OkStatus();
  const StateStore::Edit edit{"journal", "clean_end", absl::StrCat(last)};
  return state_.Write({edit});
}

Journal::Stats Journal::stats() {
  absl::MutexLock lock(&mu_);
  Stats out = stats_;
  out.log_pages = log_pages_.load();
  out.damaged = damaged_.load();
  return out;
}

}  // namespace sasd::journal
