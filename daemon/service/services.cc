#include "daemon/service/services.h"

#include <utility>

namespace sasd::service {
namespace {

// For calls that may wait for a disk.
constexpr size_t kHistoryThreads = 2, kMaxWaitingCalls = 64;

}  // namespace

Services::Services(const ServiceOptions& options, registry::Registry& registry,
                   watch::WatchLog& log, health::Monitor& monitor, NodeInfo node,
                   journal::Journal* journal)
    : log_history_(log),
      journal_history_(
          journal == nullptr ? nullptr : std::make_unique<JournalHistory>(*journal, log_history_)),
      pool_(kHistoryThreads, kMaxWaitingCalls),
      topology_(registry, history_reader(), pool_),
      node_(registry, log, monitor, std::move(node)),
      baseline_(registry, monitor),
      history_(registry, history_reader(), pool_),
      watch_(registry, log),
      bookmarks_([this, interval = options.bookmark_interval] {
        while (!stop_.WaitForNotificationWithTimeout(interval)) watch_.SendBookmarks();
      }) {}

Services::~Services() {
  stop_.Notify();
  bookmarks_.join();
}

const HistoryReader& Services::history_reader() const {
  if (journal_history_ != nullptr) return *journal_history_;
  return log_history_;
}

std::vector<rpc::ServedService> Services::served() {
  return {{&topology_, sas::v1::TopologyService::service_full_name(), nullptr},
          {&node_, sas::v1::NodeService::service_full_name(), [this] { node_.Shutdown(); }},
          {&baseline_, sas::v1::BaselineService::service_full_name(), nullptr},
          {&history_, sas::v1::HistoryService::service_full_name(), nullptr},
          {&watch_, sas::v1::WatchService::service_full_name(), [this] { watch_.Shutdown(); }}};
}

}  // namespace sasd::service
