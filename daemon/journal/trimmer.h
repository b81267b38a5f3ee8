#ifndef DAEMON_JOURNAL_TRIMMER_H_
#define DAEMON_JOURNAL_TRIMMER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "daemon/journal/index_writer.h"
#include "daemon/journal/sqlite.h"

namespace sasd::journal {

// Removes the oldest events of a journal.db, in steps of a few milliseconds, and what nothing
// refers to any more. It uses the connection that writes; thread-compatible, with that connection.
//
// Age is the time that the node ran, by the monotonic clock: hourly marks say how long it had run
// when a revision was the last. So no jump of the wall clock erases anything, and the time during
// which the machine was off does not count.
class Trimmer {
 public:
  // `db` and `index` must outlive it.
  static absl::StatusOr<std::unique_ptr<Trimmer>> Open(Database& db, IndexWriter& index,
                                                       absl::string_view boot_id,
                                                       absl::Duration monotonic);
  ~Trimmer();
  Trimmer(const Trimmer&) = delete;
  Trimmer& operator=(const Trimmer&) = delete;

  // All revisions up to this one are trimmed: readers do not see them.
  int64_t trimmed() const { return trimmed_; }
  // Of the database, without free pages.
  absl::StatusOr<int64_t> UsedBytes();
  // Sets a mark if an hour has passed since the last one. The next events up to old() are older
  // than max_age.
  absl::Status CountAge(int64_t last_revision, absl::Duration monotonic, absl::Duration max_age);
  int64_t old() const { return old_; }

  // Removes a few of the oldest events, none after up_to, and never the newest event. False: there
  // is none to remove.
  absl::StatusOr<bool> TrimSlice(int64_t up_to);

  // Removes what no event is about any more: the names, and the state of objects that are gone.
  // Looks at a few hundred names; fills `erased`. False: it has looked at all since the last trim.
  absl::StatusOr<bool> SweepSlice(std::vector<std::string>* erased);

 private:
  struct Statements;

  Trimmer(Database& db, IndexWriter& index);
  absl::Status Prepare();
  absl::Status LoadAge(absl::string_view boot_id, absl::Duration monotonic);
  absl::StatusOr<std::vector<int64_t>> Oldest(int64_t up_to);
  // Whether the state has the object, and it is present or changed after the trimmed events.
  absl::StatusOr<bool> HasState(int64_t id);

  Database& db_;
  IndexWriter& index_;
  std::unique_ptr<Statements> statements_;
  std::string boot_id_;
  absl::Duration age_at_start_;  // how long the node had run
  absl::Duration monotonic_at_start_;
  absl::Duration next_mark_;
  int64_t old_ = 0;
  int64_t trimmed_ = 0;
  bool sweep_ = false;
  int64_t sweep_after_ = 0;
};

}  // namespace sasd::journal

#endif  // DAEMON_JOURNAL_TRIMMER_H_
