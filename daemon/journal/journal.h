#ifndef DAEMON_JOURNAL_JOURNAL_H_
#define DAEMON_JOURNAL_JOURNAL_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>  // NOLINT: one owned thread
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "daemon/journal/event_tail.h"
#include "daemon/journal/index_merger.h"
#include "daemon/journal/index_writer.h"
#include "daemon/journal/journal_reader.h"
#include "daemon/journal/journal_row.h"
#include "daemon/journal/sqlite.h"
#include "daemon/journal/state_store.h"
#include "daemon/journal/trimmer.h"
#include "daemon/journal/visible_mark.h"
#include "driver/base/clock.h"

namespace sasd::journal {

// The history of a node: journal.db. Rows are events by revision, with opaque contents; an index
// finds those about an object. Beside them it has the state: the last known content of every object
// as of a revision (a checkpoint).
//
// A row is with the operating system when Stage or Append returns, so a kill loses nothing; a
// thread of the journal's own syncs at least once a second. Revisions are reserved in blocks, on
// the disk ahead of use, so that no revision gets two contents after a power loss.
class Journal {
 public:
  struct Options {
    std::string directory;    // the caller holds its DirectoryLock
    std::string machine;      // the machine id
    std::string source;       // what it describes: "live", "fabric judge.json", ...
    std::string boot_id;      // of the running kernel
    std::string fresh_epoch;  // random: the name of a new epoch, where one begins
    bool new_epoch = false;   // begins one; also takes over another machine's journal
    // A tmpfs that outlives the process: for the mark, and for the rows of Stage.
    std::string mark_directory = "/dev/shm";
    size_t tail_bytes = EventTail::kDefaultBytes;  // for the rows of Stage; a multiple of 8
    std::string vfs;                               // of SQLite; empty: the default one
    // The oldest events go when the database has more bytes, or once they are older. Age counts
    // while sasd runs, by the monotonic clock.
    int64_t max_bytes = int64_t{1} << 30;
    absl::Duration max_age = absl::Hours(24 * 90);
    Clock* clock = &SystemClock();
    absl::Duration sync_interval = absl::Milliseconds(500);
    int64_t reserved_block = 65'536;   // revisions
    int64_t checkpoint_pages = 1'000;  // of 4096 bytes: as large a log is copied back
    bool maintenance_thread = true;    // false: the caller calls Maintain
  };

  // How the node begins.
  struct Start {
    int64_t next_revision = 1;  // of the next event
    // The revisions just below it that are lost: the next event's row and message carry this gap,
    // and `previous_revision` = gap.first - 1. Else `previous_revision` = next_revision - 1.
    std::optional<Gap> gap;
    bool first = false;               // there never was a row
    bool new_epoch = false;           // clients get a snapshot: EPOCH_CHANGED
    std::vector<std::string> losses;  // what was lost, as sentences for health and the log
  };

  // `state` must outlive the journal. Errors:
  //   FAILED_PRECONDITION  of another machine or source, or of a newer sasd; the files are
  //   untouched others               as Database::Exec: the disk does not let it; never DATA_LOSS
  static absl::StatusOr<std::unique_ptr<Journal>> Open(const Options& options, StateStore& state);

  // Stops the maintenance. Close must have been called for a clean end.
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // Syncs everything, and notes the clean end: the next start goes on without a gap. No Append
  // after it.
  absl::Status Close();

  const Start& start() const { return start_; }
  const std::string& epoch() const { return epoch_; }

  // The last revision that is a row or in a declared gap. Thread-safe.
  int64_t last_revision() const { return last_revision_.load(); }
  // The greatest revision that may be made visible in any way. It grows in the background; a
  // node that reaches it, because the disk does not take the next reservation, needs a new epoch.
  // Thread-safe.
  int64_t reserved() const { return reserved_.load(); }

  // Keeps rows, all or none, in shared memory, so that they outlive this process: the next start of
  // this boot writes them, if Append has not. So they may be shown; Append comes after that. Waits
  // for no disk. The rows follow those that were staged or appended before, as with Append. False:
  // there is no room, no shared memory, no reserved revision, or the rows do not follow; then
  // Append comes before anybody sees them. One call at a time; it may be beside a call of Append.
  bool Stage(absl::Span<const EventRow> rows);

  // Writes rows, all or none, one call at a time. Blocks as long as the disk does. The first row is
  // last_revision() + 1, or its gap begins at or before that and ends before the row; the others
  // follow likewise. Errors: INVALID_ARGUMENT for a breach of that, nothing is written; UNAVAILABLE
  // also without a reserved revision; others as Database::Exec.
  absl::Status Append(absl::Span<const EventRow> rows);

  // Notes that clients may see revisions up to this one without a row: before a publish from
  // memory. Never blocks. Thread-safe.
  void SetVisible(int64_t revision);

  // Reads on connections of their own, which never hold up Append. A read sees all that was staged
  // before: it waits for the Append of that, for a second at most, and not at all while the disk
  // takes none. Thread-safe.
  //
  // OUT_OF_RANGE: trimming has passed query.after. UNAVAILABLE and others as Database::Exec, but
  // never DATA_LOSS: what cannot be read is a gap, kJournalDamaged. CANCELLED: `interrupted`, which
  // is asked every few rows, was true.
  absl::StatusOr<Page> Read(const Query& query, Interrupted interrupted = NeverInterrupted);
  // The gap that contains the revision; nullopt: none.
  absl::StatusOr<std::optional<Gap>> FindGap(int64_t revision);
  // The state of an object, also of one that is gone; nullopt: never had one, or damaged.
  absl::StatusOr<std::optional<StateRow>> FindState(const std::string& name);
  // Calls visit for each object, or only for those that are gone, in no order; one snapshot.
  // Returns how many rows were damaged and left out. `interrupted`: as of Read().
  absl::StatusOr<int64_t> VisitState(const std::function<void(StateRow)>& visit,
                                     bool only_gone = false,
                                     Interrupted interrupted = NeverInterrupted);

  // Checkpoints. WriteState takes rows that differ from the stored ones, at most a few hundred per
  // call (it holds up Append meanwhile). FinishState says that the stored state is that of
  // `revision` or later, and declares a gap in the same step: after a stall, the gap ends at
  // `revision`. Thread-safe with Append; errors as Database::Exec.
  absl::Status WriteState(absl::Span<const StateRow> rows);
  absl::Status FinishState(int64_t revision, const std::optional<Gap>& gap);
  // The state is of this revision or later: events after it are to be applied to it. 0: no state.
  int64_t state_revision() const { return state_revision_.load(); }

  // One round of maintenance: syncs, reserves, copies the log back, trims. The thread calls it
  // every sync_interval.
  absl::Status Maintain();
  // Syncs the log to the disk.
  absl::Status Sync();

  struct Stats {
    int64_t events = 0;         // appended since Open
    int64_t payload_bytes = 0;  // of these
    int64_t syncs = 0;
    absl::Duration longest_sync;
    int64_t log_pages = 0;   // of 4096 bytes, in the write-ahead log
    int64_t used_bytes = 0;  // of the database, without free pages
    int64_t trimmed = 0;     // all revisions up to this one are trimmed
    // More than max_bytes are used, and state_revision() lets no event go: FinishState is due.
    bool over_limit = false;
    // A read or write met damage since Open. Damage that a write meets is examined at the next
    // start: the file is moved aside if SQLite's check finds it corrupt.
    bool damaged = false;
    absl::Status last_error;  // of the maintenance; OK: the last round succeeded
  };
  Stats stats();

 private:
  struct Writer;
  struct Summary {  // of the events after the last span
    int64_t first = 0, last = 0, count = 0, min_nanos = 0, max_nanos = 0;
    int64_t causes = 0, severity = 0;
    void Add(const EventRow& row);
  };

  Journal(const Options& options, StateStore& state);

  absl::Status SetUp();
  absl::Status OpenMaintenance() ABSL_LOCKS_EXCLUDED(maintenance_mu_);
  absl::Status Begin(bool created, const std::string& moved_aside)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mu_);
  // The last revision that the database has, as a row or in a gap.
  absl::StatusOr<int64_t> LastStored() ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mu_);
  // Opens the tail, and writes the rows in it that the database lacks. `damaged`: some cannot be
  // read.
  absl::Status WriteTail(const std::string& mark_name, const std::string& id, bool* damaged)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mu_);
  absl::Status LoadSummary() ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mu_);
  absl::Status LoadIndex() ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mu_);
  absl::Status Reserve(int64_t after);
  absl::Status AppendLocked(absl::Span<const EventRow> rows)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mu_);
  // Whether WriteRow of the only row runs a single statement, which is a transaction by itself.
  bool IsOneInsert(absl::Span<const EventRow> rows) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mu_);
  absl::Status WriteInTransaction(absl::Span<const EventRow> rows)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mu_);
  absl::Status WriteRow(const EventRow& row) ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mu_);
  // The row, its gap, and the names of its objects. `objects`: ids of these, ascending.
  absl::Status InsertEvent(const EventRow& row, std::vector<ObjectBits>* objects)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mu_);
  absl::Status WriteGap(const Gap& gap) ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mu_);
  absl::StatusOr<int64_t> ObjectId(const std::string& name, uint8_t kind)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mu_);
  void ForgetObjectIds() ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mu_);
  absl::Status PutMeta(absl::string_view key, absl::string_view value)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mu_);
  void LockForMaintenance() ABSL_EXCLUSIVE_LOCK_FUNCTION(write_mu_);
  // Notes damage in an error of a write.
  absl::Status Noted(absl::Status status);
  // Keeps the index small: merges its runs, and adds what it lacks.
  absl::Status MendIndex() ABSL_EXCLUSIVE_LOCKS_REQUIRED(maintenance_mu_);
  absl::Status CopyLog() ABSL_EXCLUSIVE_LOCKS_REQUIRED(maintenance_mu_);
  absl::Status Trim() ABSL_EXCLUSIVE_LOCKS_REQUIRED(maintenance_mu_);
  void Run();

  // Waits until all that was staged is written.
  void AwaitStaged() ABSL_LOCKS_EXCLUDED(mu_);
  // For a read that sees all that was staged.
  absl::StatusOr<std::unique_ptr<JournalReader>> TakeReader() ABSL_LOCKS_EXCLUDED(readers_mu_);
  void ReturnReader(std::unique_ptr<JournalReader> reader) ABSL_LOCKS_EXCLUDED(readers_mu_);

  const Options options_;
  const std::string path_;
  StateStore& state_;
  Start start_;
  std::string epoch_;
  std::unique_ptr<VisibleMark> mark_;  // null: there is no shared memory
  std::unique_ptr<EventTail> tail_;    // likewise

  std::atomic<int64_t> last_revision_{0};
  std::atomic<int64_t> staged_{0};      // the last revision of Stage
  std::atomic<bool> is_behind_{false};  // a reader has waited for it in vain, since the last Append
  std::atomic<int64_t> reserved_{0};
  std::atomic<int64_t> visible_{0};
  std::atomic<int64_t> state_revision_{0};
  std::atomic<int64_t> log_pages_{0};
  std::atomic<bool> unsynced_{false};
  std::atomic<int> waiting_{0};          // calls that write, before they have write_mu_
  std::atomic<bool> damaged_{false};     // see Stats
  std::atomic<bool> unwritable_{false};  // a write met damage

  // SQLite's write lock, as a mutex: a waiter is woken, not polled. Held across input and
  // output, as that lock is; readers never take it.
  absl::Mutex write_mu_;
  std::unique_ptr<Writer> writer_ ABSL_GUARDED_BY(write_mu_);
  // Before their connection.
  std::unique_ptr<IndexWriter> index_ ABSL_GUARDED_BY(write_mu_);
  std::unique_ptr<Trimmer> trimmer_ ABSL_GUARDED_BY(write_mu_);
  // Ids of names; all of them, or those used last.
  absl::flat_hash_map<std::string, int64_t> object_ids_ ABSL_GUARDED_BY(write_mu_);
  bool all_object_ids_ ABSL_GUARDED_BY(write_mu_) = false;
  Summary summary_ ABSL_GUARDED_BY(write_mu_);

  absl::Mutex readers_mu_;
  std::vector<std::unique_ptr<JournalReader>> idle_readers_ ABSL_GUARDED_BY(readers_mu_);

  // Serializes the rounds of maintenance and Close.
  absl::Mutex maintenance_mu_;
  Database maintenance_ ABSL_GUARDED_BY(maintenance_mu_);
  std::unique_ptr<IndexMerger> merger_ ABSL_GUARDED_BY(maintenance_mu_);
  int64_t runs_seen_ ABSL_GUARDED_BY(maintenance_mu_) =
      -1;  // index_->written(), when it was mended
  bool noted_unwritable_ ABSL_GUARDED_BY(maintenance_mu_) = false;

  absl::Mutex mu_;
  bool stop_ ABSL_GUARDED_BY(mu_) = false;
  bool wanted_ ABSL_GUARDED_BY(mu_) = false;
  Stats stats_ ABSL_GUARDED_BY(mu_);
  std::thread thread_;
};

}  // namespace sasd::journal

#endif  // DAEMON_JOURNAL_JOURNAL_H_
