#include "daemon/journal/trimmer.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "daemon/journal/journal_row.h"

namespace sasd::journal {
namespace {

// Of one step, so that a write waits for a few milliseconds at most.
constexpr int64_t kSliceEvents = 256;
constexpr size_t kSliceEntries = 2'000;
constexpr int64_t kSliceNames = 200;

}  // namespace

struct Trimmer::Statements {
  Statement used, newest, oldest, delete_entry, delete_event, delete_spans, delete_gaps, put_meta,
      insert_age, delete_ages, old, names, delete_entries, used_name, delete_state, delete_name;
};

Trimmer::Trimmer(Database& db) : db_(db) {}
Trimmer::~Trimmer() = default;

absl::StatusOr<std::unique_ptr<Trimmer>> Trimmer::Open(Database& db, absl::string_view boot_id,
                                                       absl::Duration monotonic) {
  auto trimmer = absl::WrapUnique(new Trimmer(db));
  if (absl::Status status = trimmer->Prepare(); !status.ok()) return status;
  if (absl::Status status = trimmer->LoadAge(boot_id, monotonic); !status.ok()) return status;
  return trimmer;
}

absl::Status Trimmer::Prepare() {
  statements_ = std::make_unique<Statements>();
  Statements& s = *statements_;
  for (const auto& [statement, sql] : std::initializer_list<std::pair<Statement*, const char*>>{
           {&s.used,
            "SELECT (page_count - freelist_count) * page_size"
            " FROM pragma_page_count, pragma_freelist_count, pragma_page_size"},
           {&s.newest, "SELECT ifnull(max(revision), 0) FROM events"},
           {&s.oldest,
            "SELECT revision, objects FROM events WHERE revision <= ? ORDER BY revision LIMIT ?"},
           {&s.delete_entry, "DELETE FROM event_objects WHERE object = ? AND revision = ?"},
           {&s.delete_event, "DELETE FROM events WHERE revision = ?"},
           {&s.delete_spans, "DELETE FROM spans WHERE last <= ?"},
           {&s.delete_gaps, "DELETE FROM gaps WHERE last <= ?"},
           {&s.put_meta, "INSERT OR REPLACE INTO meta VALUES(?, ?)"},
           // IGNORE: a revision that was the last for hours is as old as its first mark.
           {&s.insert_age, "INSERT OR IGNORE INTO ages VALUES(?, ?)"},
           {&s.delete_ages, "DELETE FROM ages WHERE revision < ?"},
           {&s.old, "SELECT ifnull(max(revision), 0) FROM ages WHERE seconds <= ?"},
           {&s.names, "SELECT id, name FROM objects WHERE id > ? ORDER BY id LIMIT ?"},
           {&s.delete_entries, "DELETE FROM event_objects WHERE object = ? AND revision <= ?"},
           {&s.used_name,
            "SELECT EXISTS(SELECT 1 FROM event_objects WHERE object = ?1) OR EXISTS(SELECT 1 FROM"
            " state WHERE object = ?1 AND (present OR revision > ?2))"},
           {&s.delete_state, "DELETE FROM state WHERE object = ?"},
           {&s.delete_name, "DELETE FROM objects WHERE id = ?"}}) {
    absl::StatusOr<Statement> prepared = db_.Prepare(sql);
    if (!prepared.ok()) return prepared.status();
    *statement = *std::move(prepared);
  }
  absl::StatusOr<int64_t> trimmed =
      db_.Int("SELECT ifnull((SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'trimmed'), 0)");
  if (!trimmed.ok()) return trimmed.status();
  trimmed_ = *trimmed;
  return absl::OkStatus();
}

// meta 'age': how long the node had run, the monotonic clock then, and its boot.
absl::Status Trimmer::LoadAge(absl::string_view boot_id, absl::Duration monotonic) {
  boot_id_ = std::string(boot_id);
  monotonic_at_start_ = monotonic;
  absl::StatusOr<std::string> text = db_.Text("SELECT value FROM meta WHERE key = 'age'");
  if (absl::IsNotFound(text.status())) return absl::OkStatus();
  if (!text.ok()) return text.status();
  const std::vector<absl::string_view> fields = absl::StrSplit(*text, absl::MaxSplits(' ', 2));
  int64_t seconds = 0;
  int64_t then = 0;
  if (fields.size() != 3 || !absl::SimpleAtoi(fields[0], &seconds) ||
      !absl::SimpleAtoi(fields[1], &then))
    return absl::OkStatus();  // age begins again: nothing is trimmed early
  age_at_start_ = absl::Seconds(seconds);
  if (fields[2] == boot_id && monotonic > absl::Seconds(then))
    age_at_start_ += monotonic - absl::Seconds(then);
  return absl::OkStatus();
}

absl::StatusOr<int64_t> Trimmer::UsedBytes() {
  Statement& used = statements_->used;
  absl::StatusOr<bool> row = used.Step();
  const int64_t bytes = row.ok() && *row ? used.Int(0) : 0;
  used.Reset();
  if (!row.ok()) return row.status();
  return bytes;
}

absl::Status Trimmer::CountAge(int64_t last_revision, absl::Duration monotonic,
                               absl::Duration max_age) {
  const absl::Duration age = age_at_start_ + (monotonic - monotonic_at_start_);
  if (age < next_mark_) return absl::OkStatus();
  Statements& s = *statements_;
  const int64_t seconds = absl::ToInt64Seconds(age);
  const std::string text =
      absl::StrCat(seconds, " ", absl::ToInt64Seconds(monotonic), " ", boot_id_);
  absl::StatusOr<Transaction> transaction = Transaction::Begin(db_, true);
  if (!transaction.ok()) return transaction.status();
  absl::StatusOr<bool> row = s.old.Bind(1, seconds - absl::ToInt64Seconds(max_age)).Step();
  const int64_t old = row.ok() && *row ? s.old.Int(0) : 0;
  s.old.Reset();
  absl::Status status = row.status();
  status.Update(s.insert_age.Bind(1, last_revision).Bind(2, seconds).Run());
  status.Update(s.delete_ages.Bind(1, old).Run());
  status.Update(s.put_meta.BindText(1, "age").BindText(2, text).Run());
  if (status.ok()) status = transaction->Commit();
  if (!status.ok()) return status;
  old_ = old;
  next_mark_ = age + absl::Hours(1);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Trimmer::Event>> Trimmer::Oldest(int64_t up_to) {
  Statements& s = *statements_;
  absl::StatusOr<bool> row = s.newest.Step();
  const int64_t newest = row.ok() && *row ? s.newest.Int(0) : 0;
  s.newest.Reset();
  if (!row.ok()) return row.status();
  std::vector<Event> out;
  size_t entries = 0;
  s.oldest.Bind(1, std::min(up_to, newest - 1)).Bind(2, kSliceEvents);
  while (entries < kSliceEntries) {
    row = s.oldest.Step();
    if (!row.ok() || !*row) break;
    out.push_back({s.oldest.Int(0), std::string(s.oldest.Blob(1))});
    entries += 1 + out.back().objects.size() / 2;
  }
  s.oldest.Reset();
  if (!row.ok()) return row.status();
  return out;
}

absl::StatusOr<bool> Trimmer::TrimSlice(int64_t up_to) {
  Statements& s = *statements_;
  absl::StatusOr<Transaction> transaction = Transaction::Begin(db_, true);
  if (!transaction.ok()) return transaction.status();
  absl::StatusOr<std::vector<Event>> events = Oldest(up_to);
  if (!events.ok()) return events.status();
  if (events->empty()) return false;

  size_t entries = 0;
  int64_t partial = 0;
  size_t partial_done = 0;
  int64_t trimmed = trimmed_;
  for (const Event& event : *events) {
    if (entries >= kSliceEntries) break;
    trimmed = std::max(trimmed, event.revision);
    // Of damaged bytes, what can be read: SweepSlice finds the rest.
    std::vector<ObjectBits> objects;
    DecodeObjects(event.objects, &objects);
    size_t next = event.revision == partial_ ? std::min(partial_done_, objects.size()) : 0;
    for (; next < objects.size() && entries < kSliceEntries; ++next, ++entries) {
      absl::Status status = s.delete_entry.Bind(1, objects[next].id).Bind(2, event.revision).Run();
      if (!status.ok()) return status;
    }
    if (next < objects.size()) {
      partial = event.revision;
      partial_done = next;
      break;
    }
    if (absl::Status status = s.delete_event.Bind(1, event.revision).Run(); !status.ok())
      return status;
    ++entries;
  }
  absl::Status status = s.delete_spans.Bind(1, trimmed).Run();
  status.Update(s.delete_gaps.Bind(1, trimmed).Run());
  const std::string text = absl::StrCat(trimmed);
  status.Update(s.put_meta.BindText(1, "trimmed").BindText(2, text).Run());
  if (status.ok()) status = transaction->Commit();
  if (!status.ok()) return status;
  trimmed_ = trimmed;
  partial_ = partial;
  partial_done_ = partial_done;
  if (!sweep_) sweep_after_ = 0;
  sweep_ = true;
  return true;
}

absl::StatusOr<bool> Trimmer::SweepSlice(std::vector<std::string>* erased) {
  if (!sweep_) return false;
  Statements& s = *statements_;
  absl::StatusOr<Transaction> transaction = Transaction::Begin(db_, true);
  if (!transaction.ok()) return transaction.status();
  std::vector<std::pair<int64_t, std::string>> names;
  s.names.Bind(1, sweep_after_).Bind(2, kSliceNames);
  absl::StatusOr<bool> row = true;
  for (;;) {
    row = s.names.Step();
    if (!row.ok() || !*row) break;
    names.emplace_back(s.names.Int(0), std::string(s.names.Blob(1)));
  }
  s.names.Reset();
  if (!row.ok()) return row.status();
  std::vector<std::string> unused;
  for (auto& [id, name] : names) {
    if (absl::Status status = s.delete_entries.Bind(1, id).Bind(2, trimmed_).Run(); !status.ok())
      return status;
    row = s.used_name.Bind(1, id).Bind(2, trimmed_).Step();
    const bool used = !row.ok() || !*row || s.used_name.Int(0) != 0;
    s.used_name.Reset();
    if (!row.ok()) return row.status();
    if (used) continue;
    absl::Status status = s.delete_state.Bind(1, id).Run();
    status.Update(s.delete_name.Bind(1, id).Run());
    if (!status.ok()) return status;
    unused.push_back(std::move(name));
  }
  if (absl::Status status = transaction->Commit(); !status.ok()) return status;
  for (std::string& name : unused) erased->push_back(std::move(name));
  sweep_ = names.size() == static_cast<size_t>(kSliceNames);
  if (!names.empty()) sweep_after_ = names.back().first;
  return sweep_;
}

}  // namespace sasd::journal
