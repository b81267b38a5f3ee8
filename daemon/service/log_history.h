#ifndef DAEMON_SERVICE_LOG_HISTORY_H_
#define DAEMON_SERVICE_LOG_HISTORY_H_

#include "daemon/service/history_reader.h"
#include "daemon/watch/watch_log.h"

namespace sasd::service {

// The history as far as the log in memory has it. Never waits. Thread-safe.
class LogHistory final : public HistoryReader {
 public:
  // Borrows the log for its lifetime.
  explicit LogHistory(const watch::WatchLog& log) : log_(log) {}

  absl::StatusOr<HistoryExtent> Extent() const override;
  absl::StatusOr<HistoryPage> Read(const HistoryQuery& query,
                                   Cancelled cancelled = NeverCancelled) const override;
  absl::Status VisitRemoved(const std::function<void(const RemovedState&)>& visit,
                            Cancelled cancelled = NeverCancelled) const override;

 private:
  const watch::WatchLog& log_;
};

// Reads a page out of events that are in memory, ascending by revision. A pure function.
HistoryPage ReadEvents(const std::vector<watch::EncodedEventPtr>& events,
                       const HistoryQuery& query);

// HistoryReader::VisitRemoved for events in memory, ascending by revision. A pure function.
void VisitRemovedIn(const std::vector<watch::EncodedEventPtr>& events,
                    const std::function<void(const RemovedState&)>& visit,
                    Cancelled cancelled = NeverCancelled);

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_LOG_HISTORY_H_
