#include "daemon/service/services.h"

#include <utility>

namespace sasd::service {

Services::Services(const ServiceOptions& options, registry::Registry& registry,
                   watch::WatchLog& log, NodeInfo node, Clock& clock)
    : topology_(registry),
      node_(registry, log, std::move(node), clock, options.attach_grace),
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
          {&history_, sas::v1::HistoryService::service_full_name(), nullptr},
          {&watch_, sas::v1::WatchService::service_full_name(), [this] { watch_.Shutdown(); }}};
}

}  // namespace sasd::service
