#ifndef DAEMON_JOURNAL_STATE_STORE_H_
#define DAEMON_JOURNAL_STATE_STORE_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "daemon/journal/sqlite.h"

namespace sasd::journal {

// What outlives history: state.db, values by collection and key. Synced at each change, never
// trimmed. The caller holds the DirectoryLock of the directory.
//
// Thread-safe. All functions wait for the disk: never call one under a lock or on the path of
// events. Collection "journal" belongs to Journal, "meta" to this class.
class StateStore {
 public:
  struct Options {
    std::string directory;
    std::string machine;     // whose state it is: the machine id
    std::string source;      // what it describes: "live", "fabric judge.json", ...
    bool new_epoch = false;  // takes over the state of another machine (a restored backup)
    std::string vfs;         // of SQLite; empty: the default one
  };

  // Makes the file if there is none. Errors:
  //   FAILED_PRECONDITION  of another machine or source, or of a newer sasd; the file is untouched
  //   others               as Database::Exec; never DATA_LOSS
  // A file that is no database, or proven corrupt, is moved aside: see moved_aside().
  static absl::StatusOr<std::unique_ptr<StateStore>> Open(const Options& options);

  // Where Open moved a corrupt file; empty: there was none.
  const std::string& moved_aside() const { return moved_aside_; }

  // Whether state was lost: the file was missing beside a journal, or corrupt, or a row is damaged.
  // It stays so, across restarts, until ClearLost.
  bool was_lost() ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status ClearLost() ABSL_LOCKS_EXCLUDED(mu_);

  struct Edit {
    std::string collection;
    std::string key;
    std::optional<std::string> value;  // nullopt: delete
  };
  // All or nothing, and on the disk when it returns. Errors as Database::Exec.
  absl::Status Write(absl::Span<const Edit> edits) ABSL_LOCKS_EXCLUDED(mu_);

  using Entry = std::pair<std::string, std::string>;  // key, value
  // A collection, by key. Leaves out damaged rows: was_lost() is true then.
  absl::StatusOr<std::vector<Entry>> Read(absl::string_view collection) ABSL_LOCKS_EXCLUDED(mu_);
  // One value; nullopt: there is none, or it is damaged.
  absl::StatusOr<std::optional<std::string>> Get(absl::string_view collection,
                                                 absl::string_view key) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  StateStore(Database db, std::string moved_aside);

  absl::Status SetUp(bool lost) ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status WriteLocked(absl::Span<const Edit> edits) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<std::vector<Entry>> Select(absl::string_view where, absl::string_view collection,
                                            absl::string_view key)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::string moved_aside_;
  // Serializes the use of the connection, as SQLite itself would.
  absl::Mutex mu_;
  Database db_ ABSL_GUARDED_BY(mu_);
  bool lost_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace sasd::journal

#endif  // DAEMON_JOURNAL_STATE_STORE_H_
