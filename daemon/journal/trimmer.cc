#include "daemon/journal/trimmer.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/memory/memory.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace sasd::journal {
namespace {

// Of one step, so that a write waits for a few milliseconds at most.
constexpr int64_t kSliceEvents = 256;
constexpr int64_t kSliceBytes = 1 << 20;
constexpr int64_t kSliceNames = 200;

}  // namespace

struct Trimmer::Statements {
  Statement used, newest, oldest, delete_event, delete_spans, delete_gaps, put_meta, insert_age,
      delete_ages, old, names, has_state, delete_state, delete_name;
};

Trimmer::Trimmer(Database& db, IndexWriter& index) : db_(db), index_(index) {}
Trimmer::~Trimmer() = default;

absl::StatusOr<std::unique_ptr<Trimmer>> Trimmer::Open(Database& db, IndexWriter& index,
                                                       absl::string_view boot_id,
                                                       absl::Duration monotonic) {
  auto trimmer = absl::WrapUnique(new Trimmer(db, index));
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
            "SELECT revision, length(payload) FROM events WHERE revision <= ? ORDER BY revision"
            " LIMIT ?"},
           {&s.delete_event, "DELETE FROM events WHERE revision = ?"},
           {&s.delete_spans, "DELETE FROM spans WHERE last <= ?"},
           {&s.delete_gaps, "DELETE FROM gaps WHERE last <= ?"},
           {&s.put_meta, "INSERT OR REPLACE INTO meta VALUES(?1, ?2, row_checksum(?1, ?2))"},
           // IGNORE: a revision that was the last for hours is as old as its first mark.
           {&s.insert_age, "INSERT OR IGNORE INTO ages VALUES(?, ?)"},
           {&s.delete_ages, "DELETE FROM ages WHERE revision < ?"},
           {&s.old, "SELECT ifnull(max(revision), 0) FROM ages WHERE seconds <= ?"},
           {&s.names, "SELECT id, name FROM objects WHERE id > ? ORDER BY id LIMIT ?"},
           {&s.has_state,
            "SELECT EXISTS(SELECT 1 FROM state WHERE object = ?1 AND (present OR revision > ?2))"},
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

absl::StatusOr<std::vector<int64_t>> Trimmer::Oldest(int64_t up_to) {
  Statements& s = *statements_;
  absl::StatusOr<bool> row = s.newest.Step();
  const int64_t newest = row.ok() && *row ? s.newest.Int(0) : 0;
  s.newest.Reset();
  if (!row.ok()) return row.status();
  std::vector<int64_t> out;
  int64_t bytes = 0;
  s.oldest.Bind(1, std::min(up_to, newest - 1)).Bind(2, kSliceEvents);
  while (bytes < kSliceBytes) {
    row = s.oldest.Step();
    if (!row.ok() || !*row) break;
    out.push_back(s.oldest.Int(0));
    bytes += s.oldest.Int(1);
  }
  s.oldest.Reset();
  if (!row.ok()) return row.status();
  return out;
}

absl::StatusOr<bool> Trimmer::TrimSlice(int64_t up_to) {
  Statements& s = *statements_;
  absl::StatusOr<Transaction> transaction = Transaction::Begin(db_, true);
  if (!transaction.ok()) return transaction.status();
  absl::StatusOr<std::vector<int64_t>> events = Oldest(up_to);
  if (!events.ok()) return events.status();
  if (events->empty()) return false;
  for (int64_t revision : *events) {
    if (absl::Status status = s.delete_event.Bind(1, revision).Run(); !status.ok()) return status;
  }
  const int64_t trimmed = std::max(trimmed_, events->back());
  absl::Status status = index_.RemoveUpTo(trimmed);
  status.Update(s.delete_spans.Bind(1, trimmed).Run());
  status.Update(s.delete_gaps.Bind(1, trimmed).Run());
  const std::string text = absl::StrCat(trimmed);
  status.Update(s.put_meta.BindText(1, "trimmed").BindText(2, text).Run());
  if (status.ok()) status = transaction->Commit();
  if (!status.ok()) return status;
  trimmed_ = trimmed;
  if (!sweep_) sweep_after_ = 0;
  sweep_ = true;
  return true;
}

absl::StatusOr<bool> Trimmer::HasState(int64_t id) {
  Statement& has_state = statements_->has_state;
  absl::StatusOr<bool> row = has_state.Bind(1, id).Bind(2, trimmed_).Step();
  const bool has = !row.ok() || !*row || has_state.Int(0) != 0;
  has_state.Reset();
  if (!row.ok()) return row.status();
  return has;
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
  std::vector<int64_t> ids;  // ascending
  for (const auto& [id, name] : names) {
    absl::StatusOr<bool> has_state = HasState(id);
    if (!has_state.ok()) return has_state.status();
    if (!*has_state) ids.push_back(id);
  }
  absl::StatusOr<absl::flat_hash_set<int64_t>> used = index_.Used(ids, trimmed_);
  if (!used.ok()) return used.status();
  std::vector<std::string> unused;
  for (auto& [id, name] : names) {
    if (used->contains(id) || !std::binary_search(ids.begin(), ids.end(), id)) continue;
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
