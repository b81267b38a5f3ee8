#include "daemon/journal/state_store.h"

#include <sys/stat.h>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "daemon/journal/checksum.h"
#include "daemon/journal/database_file.h"

namespace sasd::journal {
namespace {

constexpr const char* kMigrations[] = {
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE entries(collection TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL,"
    "  checksum INTEGER NOT NULL, PRIMARY KEY(collection, key))",
};

bool HasContent(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && info.st_size > 0;
}

}  // namespace

StateStore::StateStore(Database db, std::string moved_aside)
    : moved_aside_(std::move(moved_aside)), db_(std::move(db)) {}

absl::StatusOr<std::unique_ptr<StateStore>> StateStore::Open(const Options& options) {
  absl::StatusOr<OpenedFile> file = OpenFile({.path = options.directory + "/state.db",
                                              .vfs = options.vfs,
                                              .machine = options.machine,
                                              .source = options.source,
                                              .take_over = options.new_epoch,
                                              .migrations = kMigrations});
  if (!file.ok()) return file.status();
  // state.db is made before journal.db, so a journal without it has lost it.
  const bool lost = file->created &&
                    (!file->moved_aside.empty() || HasContent(options.directory + "/journal.db"));
  auto store = absl::WrapUnique(new StateStore(std::move(file->db), file->moved_aside));
  if (absl::Status status = store->SetUp(lost); !status.ok()) return status;
  return store;
}

absl::Status StateStore::SetUp(bool lost) {
  absl::MutexLock lock(&mu_);
  if (absl::Status status = db_.Exec("PRAGMA wal_autocheckpoint = 100"); !status.ok())
    return status;
  if (lost) {
    const Edit edit{"meta", "lost", ""};
    if (absl::Status status = WriteLocked({edit}); !status.ok()) return status;
  }
  absl::StatusOr<std::vector<Entry>> marked =
      Select("collection = ?1 AND key = ?2", "meta", "lost");
  if (!marked.ok()) return marked.status();
  lost_ = lost_ || !marked->empty();
  return absl::OkStatus();
}

bool StateStore::was_lost() {
  absl::MutexLock lock(&mu_);
  return lost_;
}

absl::Status StateStore::ClearLost() {
  absl::MutexLock lock(&mu_);
  const Edit edit{"meta", "lost", std::nullopt};
  absl::Status status = WriteLocked({edit});
  if (status.ok()) lost_ = false;
  return status;
}

absl::Status StateStore::Write(absl::Span<const Edit> edits) {
  absl::MutexLock lock(&mu_);
  return WriteLocked(edits);
}

absl::Status StateStore::WriteLocked(absl::Span<const Edit> edits) {
  absl::StatusOr<Statement> put =
      db_.Prepare("INSERT OR REPLACE INTO entries VALUES(?, ?, ?, ?)", false);
  if (!put.ok()) return put.status();
  absl::StatusOr<Statement> erase =
      db_.Prepare("DELETE FROM entries WHERE collection = ? AND key = ?", false);
  if (!erase.ok()) return erase.status();
  absl::StatusOr<Transaction> transaction = Transaction::Begin(db_, true);
  if (!transaction.ok()) return transaction.status();
  for (const Edit& edit : edits) {
    Statement& statement = edit.value.has_value() ? *put : *erase;
    statement.BindText(1, edit.collection).BindText(2, edit.key);
    if (edit.value.has_value())
      statement.BindBlob(3, *edit.value)
          .Bind(4, Checksum({}, {edit.collection, edit.key, *edit.value}));
    if (absl::Status status = statement.Run(); !status.ok()) return status;
  }
  return transaction->Commit();
}

absl::StatusOr<std::vector<StateStore::Entry>> StateStore::Read(absl::string_view collection) {
  absl::MutexLock lock(&mu_);
  return Select("collection = ?1", collection, {});
}

absl::StatusOr<std::optional<std::string>> StateStore::Get(absl::string_view collection,
                                                           absl::string_view key) {
  absl::MutexLock lock(&mu_);
  absl::StatusOr<std::vector<Entry>> found =
      Select("collection = ?1 AND key = ?2", collection, key);
  if (!found.ok()) return found.status();
  if (found->empty()) return std::optional<std::string>();
  return std::optional<std::string>(std::move(found->front().second));
}

absl::StatusOr<std::vector<StateStore::Entry>> StateStore::Select(absl::string_view where,
                                                                  absl::string_view collection,
                                                                  absl::string_view key) {
  absl::StatusOr<Statement> select = db_.Prepare(
      absl::StrCat("SELECT key, value, checksum FROM entries WHERE ", where, " ORDER BY key"),
      false);
  if (!select.ok()) return select.status();
  select->BindText(1, collection);
  if (!key.empty()) select->BindText(2, key);
  std::vector<Entry> out;
  bool damaged = false;
  for (;;) {
    absl::StatusOr<bool> row = select->Step();
    if (!row.ok()) return row.status();
    if (!*row) break;
    if (Checksum({}, {collection, select->Blob(0), select->Blob(1)}) == select->Int(2)) {
      out.emplace_back(select->Blob(0), select->Blob(1));
    } else {
      damaged = true;
    }
  }
  if (damaged) {
    lost_ = true;
    const Edit edit{"meta", "lost", ""};
    if (absl::Status status = WriteLocked({edit}); !status.ok()) return status;
  }
  return out;
}

}  // namespace sasd::journal
