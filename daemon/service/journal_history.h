#ifndef DAEMON_SERVICE_JOURNAL_HISTORY_H_
#define DAEMON_SERVICE_JOURNAL_HISTORY_H_

#include "daemon/journal/journal.h"
#include "daemon/service/history_reader.h"
#include "daemon/service/log_history.h"

namespace sasd::service {

// The history as journal and log have it together: what is in memory from there, the rest from the
// disk. So it has no hole while the journal cannot be written. Thread-safe; waits for the disk.
class JournalHistory final : public HistoryReader {
 public:
  // Borrows both for its lifetime.
  JournalHistory(journal::Journal& journal, const LogHistory& log) : journal_(journal), log_(log) {}

  absl::StatusOr<HistoryExtent> Extent() const override;
  absl::StatusOr<HistoryPage> Read(const HistoryQuery& query,
                                   Cancelled cancelled = NeverCancelled) const override;
  absl::Status VisitRemoved(const std::function<void(const RemovedState&)>& visit,
                            Cancelled cancelled = NeverCancelled) const override;

 private:
  // What the journal has of the query. A row that is no event is a gap.
  absl::StatusOr<HistoryPage> ReadJournal(const HistoryQuery& query, Cancelled cancelled) const;
  // Below it everything is in the journal; from it on in the log.
  absl::StatusOr<int64_t> Seam() const;

  journal::Journal& journal_;
  const LogHistory& log_;
};

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_JOURNAL_HISTORY_H_
