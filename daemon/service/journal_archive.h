#ifndef DAEMON_SERVICE_JOURNAL_ARCHIVE_H_
#define DAEMON_SERVICE_JOURNAL_ARCHIVE_H_

#include "daemon/journal/journal.h"
#include "daemon/watch/event_archive.h"

namespace sasd::service {

// The journal as the archive of the log: its events have the bytes of when they were new.
// Thread-safe; waits for the disk.
class JournalArchive final : public watch::EventArchive {
 public:
  // Borrows the journal for its lifetime.
  explicit JournalArchive(journal::Journal& journal) : journal_(journal) {}

  absl::StatusOr<Page> ReadAfter(int64_t after, int64_t until, size_t max_events,
                                 size_t max_bytes) override;
  absl::StatusOr<std::optional<Gap>> FindGap(int64_t revision) override;

 private:
  journal::Journal& journal_;
};

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_JOURNAL_ARCHIVE_H_
