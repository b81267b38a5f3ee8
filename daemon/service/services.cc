#include "daemon/service/services.h"

#include <utility>

namespace sasd::service {

Services::Services(const ServiceOptions& options, registry::Registry& registry,
                   watch::WatchLog& log, NodeInfo node, Clock& clock)
    : topology_(registry, log, std::move(node), clock, options.attach_grace),
      watch_(registry, log),
      bookmarks_([this, interval = options.bookmark_interval] {
        while (!stop_.WaitForNotificationWithTimeout(interval)) watch_.SendBookmarks();
      }) {}

Services::~Services() {
  stop_.Notify();
  bookmarks_.join();
}

std::vector<rpc::ServedService> Services::served() {
  return {
      {&topology_, sas::v1::TopologyService::service_full_name(), [this] { topology_.Shutdown(); }},
      {&watch_, sas::v1::WatchService::service_full_name(), [this] { watch_.Shutdown(); }}};
}

}  // namespace sasd::service
