#include "daemon/journal/sqlite.h"

#include <sqlite3.h>

#include <cstdint>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/journal/checksum.h"

namespace sasd::journal {
namespace {

absl::Status ErrorOf(sqlite3* db, int code, const std::string& path) {
  std::string text = absl::StrCat(path, ": ", sqlite3_errstr(code));
  if (db != nullptr) {
    absl::string_view detail = sqlite3_errmsg(db);
    if (detail != sqlite3_errstr(code)) absl::StrAppend(&text, ": ", detail);
    if (int error = sqlite3_system_errno(db); error != 0 && (code & 0xff) != SQLITE_CORRUPT)
      absl::StrAppend(&text, " (", strerror(error), ")");
  }
  switch (code & 0xff) {
    case SQLITE_FULL:
      return absl::ResourceExhaustedError(text);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return absl::PermissionDeniedError(text);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::DataLossError(text);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return absl::AbortedError(text);
    case SQLITE_INTERRUPT:
      return absl::CancelledError(text);
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_PROTOCOL:
      return absl::UnavailableError(text);
    default:
      return absl::InternalError(text);
  }
}

}  // namespace

Statement::Statement(sqlite3_stmt* statement, std::string path)
    : statement_(statement), path_(std::move(path)) {}

Statement::Statement(Statement&& other) noexcept
    : statement_(std::exchange(other.statement_, nullptr)), path_(std::move(other.path_)) {}

Statement& Statement::operator=(Statement&& other) noexcept {
  std::swap(statement_, other.statement_);
  std::swap(path_, other.path_);
  return *this;
}

Statement::~Statement() { sqlite3_finalize(statement_); }

Statement& Statement::Bind(int parameter, int64_t value) {
  sqlite3_bind_int64(statement_, parameter, value);
  return *this;
}

Statement& Statement::BindText(int parameter, absl::string_view value) {
  sqlite3_bind_text64(statement_, parameter, value.empty() ? "" : value.data(), value.size(),
                      SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}

Statement& Statement::BindBlob(int parameter, absl::string_view value) {
  sqlite3_bind_blob64(statement_, parameter, value.empty() ? "" : value.data(), value.size(),
                      SQLITE_STATIC);
  return *this;
}

Statement& Statement::BindNull(int parameter) {
  sqlite3_bind_null(statement_, parameter);
  return *this;
}

absl::StatusOr<bool> Statement::Step() {
  int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  absl::Status error = ErrorOf(sqlite3_db_handle(statement_), code, path_);
  sqlite3_reset(statement_);
  return error;
}

absl::Status Statement::Run() {
  absl::StatusOr<bool> row = true;
  while (row.ok() && *row) row = Step();
  Reset();
  return row.status();
}

void Statement::Reset() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

int64_t Statement::Int(int column) const { return sqlite3_column_int64(statement_, column); }

bool Statement::IsNull(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

absl::string_view Statement::Blob(int column) const {
  const void* data = sqlite3_column_blob(statement_, column);
  if (data == nullptr) return {};
  return {static_cast<const char*>(data),
          static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
}

Database::Database(Database&& other) noexcept
    : db_(std::exchange(other.db_, nullptr)),
      path_(std::move(other.path_)),
      begin_(std::move(other.begin_)),
      begin_immediate_(std::move(other.begin_immediate_)),
      commit_(std::move(other.commit_)) {}

Database& Database::operator=(Database&& other) noexcept {
  std::swap(db_, other.db_);
  std::swap(path_, other.path_);
  std::swap(begin_, other.begin_);
  std::swap(begin_immediate_, other.begin_immediate_);
  std::swap(commit_, other.commit_);
  return *this;
}

Database::~Database() {
  for (Statement* statement : {&begin_, &begin_immediate_, &commit_}) *statement = Statement();
  sqlite3_close(db_);
}

namespace {

// row_checksum(VALUE...): of the types and contents of its arguments, in their order.
void RowChecksum(sqlite3_context* context, int count, sqlite3_value** values) {
  uint32_t sum = 0;
  for (int i = 0; i < count; ++i) {
    sqlite3_value* value = values[i];
    const int type = sqlite3_value_type(value);
    if (type == SQLITE_INTEGER) {
      sum = Checksum({sum, type, sqlite3_value_int64(value)}, {});
    } else {
      const void* bytes = sqlite3_value_blob(value);
      const auto size = static_cast<size_t>(sqlite3_value_bytes(value));
      sum = Checksum({sum, type}, {{static_cast<const char*>(bytes), bytes == nullptr ? 0 : size}});
    }
  }
  sqlite3_result_int64(context, sum);
}

}  // namespace

absl::StatusOr<Database> Database::Open(const std::string& path, const Options& options) {
  Database out;
  out.path_ = path;
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
              (options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) |
              (options.create ? SQLITE_OPEN_CREATE : 0);
  int code = sqlite3_open_v2(path.c_str(), &out.db_, flags,
                             options.vfs.empty() ? nullptr : options.vfs.c_str());
  if (code != SQLITE_OK) return ErrorOf(out.db_, code, path);
  // The last connection to close must not checkpoint with another one's synchronous setting.
  sqlite3_db_config(out.db_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  sqlite3_db_config(out.db_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_busy_timeout(out.db_, 5000);
  code = sqlite3_create_function_v2(out.db_, "row_checksum", -1, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
                                    nullptr, RowChecksum, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return ErrorOf(out.db_, code, path);
  return out;
}

absl::Status Database::Error(int code) const { return ErrorOf(db_, code, path_); }

absl::Status Database::Exec(const std::string& sql) {
  int code = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : Error(code);
}

absl::StatusOr<Statement> Database::Prepare(absl::string_view sql, bool keep) {
  sqlite3_stmt* statement = nullptr;
  int code = sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()),
                                keep ? SQLITE_PREPARE_PERSISTENT : 0, &statement, nullptr);
  if (code != SQLITE_OK) return Error(code);
  return Statement(statement, path_);
}

absl::StatusOr<int64_t> Database::Int(absl::string_view sql) {
  absl::StatusOr<Statement> statement = Prepare(sql, false);
  if (!statement.ok()) return statement.status();
  absl::StatusOr<bool> row = statement->Step();
  if (!row.ok()) return row.status();
  if (!*row) return absl::NotFoundError(absl::StrCat(path_, ": no row: ", sql));
  return statement->Int(0);
}

absl::StatusOr<std::string> Database::Text(absl::string_view sql) {
  absl::StatusOr<Statement> statement = Prepare(sql, false);
  if (!statement.ok()) return statement.status();
  absl::StatusOr<bool> row = statement->Step();
  if (!row.ok()) return row.status();
  if (!*row) return absl::NotFoundError(absl::StrCat(path_, ": no row: ", sql));
  return std::string(statement->Blob(0));
}

absl::Status Database::SyncLog() {
  // With a write-ahead log, this is the log's file; it exists once the connection has read.
  sqlite3_file* file = nullptr;
  int code = sqlite3_file_control(db_, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file);
  if (code != SQLITE_OK) return Error(code);
  if (file == nullptr || file->pMethods == nullptr) return absl::OkStatus();
  code = file->pMethods->xSync(file, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
  return code == SQLITE_OK ? absl::OkStatus() : ErrorOf(nullptr, code, absl::StrCat(path_, "-wal"));
}

absl::Status Database::RunKept(Statement Database::*statement, absl::string_view sql) {
  if ((this->*statement).statement_ == nullptr) {
    absl::StatusOr<Statement> prepared = Prepare(sql);
    if (!prepared.ok()) return prepared.status();
    this->*statement = *std::move(prepared);
  }
  return (this->*statement).Run();
}

bool Database::in_transaction() const { return sqlite3_get_autocommit(db_) == 0; }

Interruption::Interruption(Database& db, Interrupted interrupted)
    : db_(db), interrupted_(interrupted) {
  constexpr int kInstructions = 200;
  sqlite3_progress_handler(
      db_.handle(), kInstructions,
      [](void* self) { return static_cast<Interruption*>(self)->interrupted_() ? 1 : 0; }, this);
}

Interruption::~Interruption() { sqlite3_progress_handler(db_.handle(), 0, nullptr, nullptr); }

absl::StatusOr<Transaction> Transaction::Begin(Database& db, bool immediate) {
  absl::Status status = immediate ? db.RunKept(&Database::begin_immediate_, "BEGIN IMMEDIATE")
                                  : db.RunKept(&Database::begin_, "BEGIN");
  if (!status.ok()) return status;
  return Transaction(db);
}

Transaction::~Transaction() {
  // After some errors SQLite has rolled back already.
  if (db_ != nullptr && db_->in_transaction()) db_->Exec("ROLLBACK").IgnoreError();
}

absl::Status Transaction::Commit() {
  absl::Status status = db_->RunKept(&Database::commit_, "COMMIT");
  if (status.ok()) db_ = nullptr;
  return status;
}

}  // namespace sasd::journal
