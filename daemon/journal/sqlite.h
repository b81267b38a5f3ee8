#ifndef DAEMON_JOURNAL_SQLITE_H_
#define DAEMON_JOURNAL_SQLITE_H_

#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

struct sqlite3;
struct sqlite3_stmt;

namespace sasd::journal {

// A prepared statement. Thread-compatible; used with its connection's thread only.
//
// Parameters and columns count from 1 and from 0, as in SQLite. The text and blobs of a column are
// valid until the next Step or Reset; those of a parameter must live until Reset.
class Statement {
 public:
  Statement() = default;
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;
  ~Statement();

  Statement& Bind(int parameter, int64_t value);
  Statement& BindText(int parameter, absl::string_view value);
  Statement& BindBlob(int parameter, absl::string_view value);
  Statement& BindNull(int parameter);

  // True: there is a row. False: done. Errors as of Database::Exec.
  absl::StatusOr<bool> Step();
  // Steps to the end, then resets.
  absl::Status Run();
  void Reset();

  int64_t Int(int column) const;
  bool IsNull(int column) const;
  absl::string_view Blob(int column) const;  // or text

 private:
  friend class Database;
  Statement(sqlite3_stmt* statement, std::string path);

  sqlite3_stmt* statement_ = nullptr;
  std::string path_;
};

// A connection to a database file. Thread-compatible.
class Database {
 public:
  struct Options {
    bool read_only = false;
    bool create = false;
    std::string vfs;  // a registered VFS of SQLite; empty: the default one
  };

  Database() = default;
  Database(Database&& other) noexcept;
  Database& operator=(Database&& other) noexcept;
  // Closes. All statements must be gone. Never checkpoints the write-ahead log.
  ~Database();

  // NotFound: there is no such file and `create` is false. Others as of Exec.
  static absl::StatusOr<Database> Open(const std::string& path, const Options& options);

  // Runs statements without results. Errors name the file:
  //   RESOURCE_EXHAUSTED  the disk is full
  //   PERMISSION_DENIED   the disk or file is read-only, or permission is lacking
  //   DATA_LOSS           the file is corrupt, or no database
  //   ABORTED             another connection holds the write lock
  //   UNAVAILABLE         input or output failed
  //   CANCELLED           an Interruption ended it
  //   INTERNAL            anything else
  absl::Status Exec(const std::string& sql);
  // Keep: the statement is used many times.
  absl::StatusOr<Statement> Prepare(absl::string_view sql, bool keep = true);
  // The first column of the first row; NotFound: no row.
  absl::StatusOr<int64_t> Int(absl::string_view sql);
  absl::StatusOr<std::string> Text(absl::string_view sql);

  // Syncs the data of the write-ahead log to the disk, on the descriptor of this connection and
  // without any of SQLite's locks. OK without a log.
  absl::Status SyncLog();

  bool in_transaction() const;
  sqlite3* handle() const { return db_; }
  // The error of SQLite's code, as of Exec.
  absl::Status Error(int code) const;

 private:
  friend class Transaction;
  // Runs one of the statements below; prepares it at its first use.
  absl::Status RunKept(Statement Database::*statement, absl::string_view sql);

  sqlite3* db_ = nullptr;
  std::string path_;
  Statement begin_, begin_immediate_, commit_;
};

// Whether nobody wants the result of a read any more.
using Interrupted = absl::FunctionRef<bool()>;

inline bool NeverInterrupted() { return false; }

// While it lives, the statements of a connection ask `interrupted` every 200 instructions of
// SQLite (about 15 rows), and end with CANCELLED once it is true. `interrupted` may take its time:
// it holds up this connection alone. Both must outlive it.
class Interruption {
 public:
  Interruption(Database& db, Interrupted interrupted);
  ~Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

 private:
  Database& db_;
  const Interrupted interrupted_;
};

// A transaction that is rolled back unless it was committed. `db` must outlive it.
class Transaction {
 public:
  // Immediate: takes the write lock.
  static absl::StatusOr<Transaction> Begin(Database& db, bool immediate);
  Transaction(Transaction&& other) noexcept : db_(other.db_) { other.db_ = nullptr; }
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  absl::Status Commit();

 private:
  explicit Transaction(Database& db) : db_(&db) {}
  Database* db_;
};

}  // namespace sasd::journal

#endif  // DAEMON_JOURNAL_SQLITE_H_
