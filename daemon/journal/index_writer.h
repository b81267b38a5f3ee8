#ifndef DAEMON_JOURNAL_INDEX_WRITER_H_
#define DAEMON_JOURNAL_INDEX_WRITER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "daemon/journal/journal_row.h"
#include "daemon/journal/posting_run.h"
#include "daemon/journal/sqlite.h"

namespace sasd::journal {

// How a run is stored.
enum class RunLevel : int64_t {
  kSmall = 0,  // to be merged with its neighbours
  kMerged = 1,
};

// Writes the index by object of a journal.db (see posting_run.h). The postings of the last few
// hundred events are kept in memory until they are a run: what no run has is found by reading the
// events. Thread-compatible, with the connection that writes; its functions that write run within a
// transaction of the caller.
class IndexWriter {
 public:
  // `db` must outlive it. Load comes next.
  static absl::StatusOr<std::unique_ptr<IndexWriter>> Open(Database& db);
  ~IndexWriter();
  IndexWriter(const IndexWriter&) = delete;
  IndexWriter& operator=(const IndexWriter&) = delete;

  // Reads the events that are in no run yet. `last_revision` is the journal's. OK also if they
  // cannot be read: then they stay out of the runs, and `damaged` says so.
  absl::Status Load(int64_t last_revision, bool* damaged);
  // After a transaction that was rolled back, Load comes before Add.
  void Forget() { loaded_ = false; }
  bool loaded() const { return loaded_; }

  // An event was written. Ends a run with it once that has enough.
  absl::Status Add(int64_t revision, int64_t event_bits, absl::Span<const ObjectBits> objects);
  // Whether Add of an event about so many objects would end a run. If not, it writes nothing.
  bool WouldEndRun(size_t objects) const;
  // Ends the run, if it has any event.
  absl::Status EndRun();

  // Writes a run in place of all that lie within it.
  absl::Status Replace(int64_t first, int64_t last, RunLevel level, std::vector<Posting> postings);
  // Removes the runs that have no revision after `trimmed`.
  absl::Status RemoveUpTo(int64_t trimmed);
  // Those of the ids (ascending) that an event after `trimmed` is about; all of them, if the index
  // cannot say.
  absl::StatusOr<absl::flat_hash_set<int64_t>> Used(const std::vector<int64_t>& ids,
                                                    int64_t trimmed);

  // How many runs were written. Thread-safe.
  int64_t written() const { return written_.load(); }

 private:
  struct Statements;

  explicit IndexWriter(Database& db);
  absl::Status Prepare();
  absl::Status WriteRun(int64_t first, int64_t last, RunLevel level, std::vector<Posting> postings);
  absl::Status RemoveRun(int64_t last, int64_t id);
  absl::StatusOr<std::vector<PostingRun>> RunsAfter(int64_t revision);
  // False: the run is damaged.
  absl::StatusOr<bool> AddUsed(const PostingRun& run, const std::vector<int64_t>& ids,
                               int64_t trimmed, absl::flat_hash_set<int64_t>* used);

  Database& db_;
  std::unique_ptr<Statements> statements_;
  int64_t next_id_ = 1;
  bool loaded_ = false;
  // The events after the last run.
  int64_t first_ = 1;  // where the next run begins
  int64_t last_ = 0;
  int64_t events_ = 0;
  std::vector<Posting> pending_;
  std::atomic<int64_t> written_{0};
};

}  // namespace sasd::journal

#endif  // DAEMON_JOURNAL_INDEX_WRITER_H_
