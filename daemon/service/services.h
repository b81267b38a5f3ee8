#ifndef DAEMON_SERVICE_SERVICES_H_
#define DAEMON_SERVICE_SERVICES_H_

#include <thread>  // NOLINT: one owned thread
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "daemon/health/monitor.h"
#include "daemon/registry/registry.h"
#include "daemon/service/baseline_service.h"
#include "daemon/service/history_service.h"
#include "daemon/service/node_info.h"
#include "daemon/service/node_service.h"
#include "daemon/service/topology_service.h"
#include "daemon/service/watch_service.h"
#include "daemon/watch/watch_log.h"
#include "rpc/server.h"

namespace sasd::service {

struct ServiceOptions {
  absl::Duration bookmark_interval = absl::Seconds(10);  // between two bookmarks of an idle stream
};

// The services of sas.v1, and the thread that sends bookmarks. Thread-safe.
class Services {
 public:
  // Borrows registry, log and monitor for its lifetime.
  Services(const ServiceOptions& options, registry::Registry& registry, watch::WatchLog& log,
           health::Monitor& monitor, NodeInfo node);
  // A server that serves them has ended.
  ~Services();

  // For a server; valid as long as this object.
  std::vector<rpc::ServedService> served();

 private:
  TopologyService topology_;
  NodeService node_;
  BaselineService baseline_;
  HistoryService history_;
  WatchService watch_;
  absl::Notification stop_;
  std::thread bookmarks_;
};

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_SERVICES_H_
