#ifndef DAEMON_SERVICE_SERVICES_H_
#define DAEMON_SERVICE_SERVICES_H_

#include <memory>
#include <thread>  // NOLINT: one owned thread
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "daemon/health/monitor.h"
#include "daemon/journal/journal.h"
#include "daemon/registry/registry.h"
#include "daemon/service/alias_book.h"
#include "daemon/service/alias_service.h"
#include "daemon/service/baseline_service.h"
#include "daemon/service/call_holds.h"
#include "daemon/service/calls.h"
#include "daemon/service/history_service.h"
#include "daemon/service/journal_history.h"
#include "daemon/service/log_history.h"
#include "daemon/service/metrics_service.h"
#include "daemon/service/node_info.h"
#include "daemon/service/node_service.h"
#include "daemon/service/resource_finder.h"
#include "daemon/service/topology_service.h"
#include "daemon/service/watch_service.h"
#include "daemon/service/worker_pool.h"
#include "daemon/watch/watch_log.h"
#include "rpc/edge.h"
#include "rpc/server.h"

namespace sasd::service {

struct ServiceOptions {
  absl::Duration bookmark_interval = absl::Seconds(10);  // between two bookmarks of an idle stream
};

// The services of sas.v1, and the thread that sends bookmarks and ends stalled streams.
// Thread-safe.
class Services {
 public:
  // Borrows edge, registry, log, monitor, aliases and journal for its lifetime. `journal` null: the
  // history is that of the log.
  Services(const ServiceOptions& options, rpc::Edge& edge, registry::Registry& registry,
           watch::WatchLog& log, health::Monitor& monitor, AliasBook& aliases, NodeInfo node,
           journal::Journal* journal = nullptr, MetricsText metrics = nullptr);
  // A server that serves them has ended.
  ~Services();

  // For a server; valid as long as this object.
  std::vector<rpc::ServedService> served();

  // How long the calls of each method have held a thread.
  const CallHolds& holds() const { return holds_; }

 private:
  const HistoryReader& history_reader() const;

  // Each member uses those above it.
  const LogHistory log_history_;
  const std::unique_ptr<JournalHistory> journal_history_;  // null without a journal
  CallHolds holds_;
  WorkerPool pool_;
  Calls calls_;
  ResourceFinder finder_;  // synchronizes itself
  TopologyService topology_;
  NodeService node_;
  BaselineService baseline_;
  AliasService aliases_;
  HistoryService history_;
  MetricsService metrics_;
  WatchService watch_;
  absl::Notification stop_;
  std::thread ticks_;  // sends bookmarks, ends what stalls
};

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_SERVICES_H_
