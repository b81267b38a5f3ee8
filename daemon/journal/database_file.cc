#include "daemon/journal/database_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace sasd::journal {
namespace {

// "sasd", in the header of the file.
constexpr int64_t kApplication = 0x73617364;

bool Exists(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && info.st_size > 0;
}

// A file with a schema has both.
absl::StatusOr<std::string> Meta(Database& db, absl::string_view key) {
  absl::StatusOr<std::string> value =
      db.Text(absl::StrCat("SELECT value FROM meta WHERE key = '", key, "'"));
  if (absl::IsNotFound(value.status())) return absl::DataLossError(value.status().message());
  return value;
}

absl::Status CheckMeta(Database& db, const FileSpec& spec) {
  absl::StatusOr<int64_t> version = db.Int("PRAGMA user_version");
  if (!version.ok()) return version.status();
  if (spec.meta_checksums_since == 0 || *version < spec.meta_checksums_since)
    return absl::OkStatus();
  absl::StatusOr<int64_t> wrong =
      db.Int("SELECT count(*) FROM meta WHERE checksum IS NOT row_checksum(key, value)");
  if (!wrong.ok()) return wrong.status();
  return *wrong == 0 ? absl::OkStatus() : absl::DataLossError(absl::StrCat(spec.path, ": damaged"));
}

absl::Status Check(Database& db, const FileSpec& spec) {
  absl::StatusOr<int64_t> version = db.Int("PRAGMA user_version");
  if (!version.ok()) return version.status();
  absl::StatusOr<int64_t> application = db.Int("PRAGMA application_id");
  if (!application.ok()) return application.status();
  absl::StatusOr<int64_t> tables = db.Int("SELECT count(*) FROM sqlite_schema");
  if (!tables.ok()) return tables.status();
  if (*version == 0 && *tables == 0) return absl::OkStatus();  // a start was cut short
  if (*application != kApplication)
    return absl::FailedPreconditionError(absl::StrCat(
        spec.path, " is a database of another program: move it away, or give another --state-dir"));
  const auto known = static_cast<int64_t>(spec.migrations.size());
  if (*version > known)
    return absl::FailedPreconditionError(
        absl::StrCat(spec.path, " is of a newer sasd (schema ", *version, "; this one knows ",
                     known, "): install that sasd, or give another --state-dir"));
  if (absl::Status status = CheckMeta(db, spec); !status.ok()) return status;
  absl::StatusOr<std::string> source = Meta(db, "source");
  if (!source.ok()) return source.status();
  if (*source != spec.source)
    return absl::FailedPreconditionError(absl::StrCat(spec.path, " describes \"", *source,
                                                      "\", and not \"", spec.source,
                                                      "\": give another --state-dir"));
  absl::StatusOr<std::string> machine = Meta(db, "machine");
  if (!machine.ok()) return machine.status();
  if (*machine != spec.machine && !spec.take_over)
    return absl::FailedPreconditionError(
        absl::StrCat(spec.path, " is of another machine (", *machine, "; this one is ",
                     spec.machine, "): give another --state-dir, or start once with --new-epoch"));
  return absl::OkStatus();
}

// Undoes a transaction that was cut short before the file had a log: while it was made, or became a
// file with one. SQLite keeps what was there before in "-journal", and reads nothing before that is
// back in its place. Every program that reads the file does so: its content stays.
absl::Status RollBack(const FileSpec& spec) {
  if (!Exists(spec.path + "-journal")) return absl::OkStatus();
  absl::StatusOr<Database> db = Database::Open(spec.path, {.vfs = spec.vfs});
  if (!db.ok()) return db.status();
  return db->Int("SELECT count(*) FROM sqlite_schema").status();
}

// Reads the file without changing it. NotFound: there is none.
absl::Status CheckFile(const FileSpec& spec) {
  absl::StatusOr<Database> db = Database::Open(spec.path, {.read_only = true, .vfs = spec.vfs});
  if (!db.ok()) return db.status();
  return Check(*db, spec);
}

// Whether SQLite's check finds the file corrupt.
bool ProvenCorrupt(const FileSpec& spec) {
  absl::StatusOr<Database> db = Database::Open(spec.path, {.read_only = true, .vfs = spec.vfs});
  if (!db.ok()) return absl::IsDataLoss(db.status());
  absl::StatusOr<std::string> verdict = db->Text("PRAGMA quick_check(1)");
  if (!verdict.ok()) return absl::IsDataLoss(verdict.status());
  return *verdict != "ok" || absl::IsDataLoss(CheckMeta(*db, spec)) ||
         absl::IsDataLoss(Meta(*db, "source").status()) ||
         absl::IsDataLoss(Meta(*db, "machine").status());
}

// In one step: a file has its schema and says whose it is, or is as it was.
absl::Status Migrate(Database& db, const FileSpec& spec) {
  absl::StatusOr<Transaction> transaction = Transaction::Begin(db, true);
  if (!transaction.ok()) return transaction.status();
  absl::StatusOr<int64_t> version = db.Int("PRAGMA user_version");
  if (!version.ok()) return version.status();
  for (auto next = static_cast<size_t>(*version); next < spec.migrations.size(); ++next) {
    std::string sql = absl::StrCat(spec.migrations[next], ";PRAGMA user_version = ", next + 1);
    if (next == 0) absl::StrAppend(&sql, ";PRAGMA application_id = ", kApplication);
    if (absl::Status status = db.Exec(sql); !status.ok()) return status;
  }
  const bool has_checksums = spec.meta_checksums_since != 0;
  absl::StatusOr<Statement> put =
      db.Prepare(has_checksums ? "INSERT OR REPLACE INTO meta VALUES(?1, ?2, row_checksum(?1, ?2))"
                               : "INSERT OR REPLACE INTO meta VALUES(?, ?)",
                 false);
  if (!put.ok()) return put.status();
  for (const auto& [key, value] : {std::pair("machine", spec.machine), {"source", spec.source}}) {
    if (absl::Status status = put->BindText(1, key).BindText(2, value).Run(); !status.ok())
      return status;
  }
  return transaction->Commit();
}

absl::StatusOr<Database> OpenForWriting(const FileSpec& spec) {
  absl::StatusOr<Database> db = Database::Open(spec.path, {.create = true, .vfs = spec.vfs});
  if (!db.ok()) return db;
  // FULL: what changes the schema is on the disk before anything depends on it.
  if (absl::Status status = db->Exec("PRAGMA page_size = 4096;"
                                     "PRAGMA journal_mode = WAL;"
                                     "PRAGMA synchronous = FULL;"
                                     "PRAGMA wal_autocheckpoint = 0;"
                                     "PRAGMA temp_store = MEMORY;"
                                     "PRAGMA trusted_schema = OFF");
      !status.ok())
    return status;
  if (absl::Status status = Migrate(*db, spec); !status.ok()) return status;
  return db;
}

}  // namespace

absl::StatusOr<std::string> MoveAside(const std::string& path) {
  const std::string time = absl::FormatTime("%Y%m%dT%H%M%E3SZ", absl::Now(), absl::UTCTimeZone());
  std::string target = absl::StrCat(path, ".corrupt-", time);
  for (const char* suffix : {"-wal", ""}) {
    if (rename((path + suffix).c_str(), (target + suffix).c_str()) != 0 && errno != ENOENT)
      return absl::ErrnoToStatus(errno, absl::StrCat(path, suffix, ": cannot move aside"));
  }
  // It is rebuilt from the log.
  unlink((path + "-shm").c_str());
  return target;
}

absl::StatusOr<OpenedFile> OpenFile(const FileSpec& spec) {
  OpenedFile out;
  out.created = !Exists(spec.path);
  // A log without its database would be replayed into the new one.
  if (out.created) unlink((spec.path + "-wal").c_str());
  if (!out.created) {
    absl::Status status = RollBack(spec);
    if (status.ok()) status = CheckFile(spec);
    if ((absl::IsDataLoss(status) || (status.ok() && spec.suspect)) && ProvenCorrupt(spec)) {
      absl::StatusOr<std::string> moved = MoveAside(spec.path);
      if (!moved.ok()) return moved.status();
      out.moved_aside = *std::move(moved);
      out.created = true;
    } else if (absl::IsDataLoss(status)) {
      return absl::UnavailableError(status.message());
    } else if (!status.ok()) {
      return status;
    }
  }
  absl::StatusOr<Database> db = OpenForWriting(spec);
  if (!db.ok() && absl::IsDataLoss(db.status()) && !out.created && ProvenCorrupt(spec)) {
    absl::StatusOr<std::string> moved = MoveAside(spec.path);
    if (!moved.ok()) return moved.status();
    out.moved_aside = *std::move(moved);
    out.created = true;
    db = OpenForWriting(spec);
  }
  if (!db.ok())
    return absl::IsDataLoss(db.status()) ? absl::UnavailableError(db.status().message())
                                         : db.status();
  out.db = *std::move(db);
  return out;
}

}  // namespace sasd::journal
