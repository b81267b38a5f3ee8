#include "daemon/service/services.h"

#include <utility>

namespace sasd::service {

Services::Services(const ServiceOptions& options, registry::Registry& registry,
                   watch::WatchLog& log, health::Monitor& monitor, NodeInfo node)
    : topology_(registry),
      node_(registry, log, monitor, std::move(node)),
      baseline_(registry, monitor),
      history_(log),
      watch_(registry, log),
      bookmarks_([this, interval = options.bookmark_interval] {
        while (!stop_.WaitForNotificationWithTimeout(interval)) watch_.SendBookmarks();
      }) {}

Services::~Services() {
  stop_.Notify();
  bookmarks_.join();
}

std::vector<rpc::ServedService> Services::served() {
  return {{&topology_, sas::v1::TopologyService::service_full_name(), nullptr},
          {&node_, sas::v1::NodeService::service_full_name(), [this] { node_.Shutdown(); }},
          {&baseline_, sas::v1::BaselineService::service_full_name(), nullptr},
          {&history_, sas::v1::HistoryService::service_full_name(), nullptr},
          {&watch_, sas::v1::WatchService::service_full_name(), [this] { watch_.Shutdown(); }}};
}

}  // namespace sasd::service
