#ifndef DAEMON_SERVICE_HISTORY_SERVICE_H_
#define DAEMON_SERVICE_HISTORY_SERVICE_H_

#include "daemon/watch/watch_log.h"
#include "grpcpp/grpcpp.h"
#include "sas/v1/history_service.grpc.pb.h"

namespace sasd::service {

// sas.v1.HistoryService: the events that the log still has. Thread-safe.
class HistoryService final : public sas::v1::HistoryService::CallbackService {
 public:
  // Borrows the log for its lifetime.
  explicit HistoryService(const watch::WatchLog& log) : log_(log) {}

  grpc::ServerUnaryReactor* ListEvents(grpc::CallbackServerContext* context,
                                       const sas::v1::ListEventsRequest* request,
                                       sas::v1::ListEventsResponse* response) override;

 private:
  const watch::WatchLog& log_;
};

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_HISTORY_SERVICE_H_
