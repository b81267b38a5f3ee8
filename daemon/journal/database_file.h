#ifndef DAEMON_JOURNAL_DATABASE_FILE_H_
#define DAEMON_JOURNAL_DATABASE_FILE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "daemon/journal/sqlite.h"

namespace sasd::journal {

// What both databases have in common: identity, schema, and what happens to a corrupt file.
struct FileSpec {
  std::string path;
  std::string vfs;
  std::string machine;
  std::string source;
  bool take_over = false;  // another machine's file becomes this machine's
  bool suspect = false;    // a write met damage: the file is checked whole
  // SQL that brings the schema from version i to i + 1. Table meta(key, value) comes with the
  // first.
  absl::Span<const char* const> migrations;
  // The version from which on meta has a third column, row_checksum(key, value); 0: none has.
  int64_t meta_checksums_since = 0;
};

struct OpenedFile {
  Database db;              // for writing, in WAL mode, with no checkpoint of its own
  bool created = false;     // there was no such file, or it was moved aside
  std::string moved_aside;  // the new path of a corrupt file; empty: none
};

// Opens or makes the file, and migrates it. Errors:
//   FAILED_PRECONDITION  another machine's or source's, or of a newer schema; the file is untouched
//   others               as Database::Exec; never DATA_LOSS
// Only a file that is no SQLite database, that SQLite's own check finds corrupt, or whose meta has
// a wrong checksum, is moved aside.
absl::StatusOr<OpenedFile> OpenFile(const FileSpec& spec);

// Moves a database with its log aside, to PATH.corrupt-TIME. Nothing may have it open.
absl::StatusOr<std::string> MoveAside(const std::string& path);

}  // namespace sasd::journal

#endif  // DAEMON_JOURNAL_DATABASE_FILE_H_
