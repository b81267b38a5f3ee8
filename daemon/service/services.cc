#include "daemon/service/services.h"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

#include "daemon/service/roles.h"

namespace sasd::service {
namespace {

// Large calls, and those that may wait for a disk, that go on at a time. More than cores help
// nobody: what waits for the disk is rare.
constexpr size_t kTurns = 3;
constexpr absl::Duration kStallCheck = absl::Seconds(1);

rpc::ServedService Served(grpc::Service& service, const std::string& name,
                          std::function<void()> shut_down) {
  // What changes something runs on the pool (Calls::Run()).
  return {&service,
          name,
          std::move(shut_down),
          RolesOf(name),
          ChangesOf(name),
          rpc::RequestForm::kBytes};
}

}  // namespace

Services::Services(const ServiceOptions& options, rpc::Edge& edge, registry::Registry& registry,
                   watch::WatchLog& log, health::Monitor& monitor, AliasBook& aliases,
                   NodeInfo node, journal::Journal* journal, MetricsText metrics)
    : log_history_(log),
      journal_history_(
          journal == nullptr ? nullptr : std::make_unique<JournalHistory>(*journal, log_history_)),
      pool_(kTurns, edge.limits.value(rpc::Limit::kWaitingCalls),
            edge.limits.value(rpc::Limit::kWaitingCallsPerPeer)),
      calls_(edge.access, edge.limits, pool_, holds_),
      finder_(registry, [&aliases](absl::string_view alias) { return aliases.HolderOf(alias); }),
      topology_(registry, history_reader(), finder_, calls_),
      node_(registry, log, monitor, std::move(node), calls_),
      baseline_(registry, monitor, finder_, calls_),
      aliases_(registry, aliases, finder_, calls_),
      history_(registry, history_reader(), finder_, calls_),
      metrics_(std::move(metrics), calls_),
      watch_(registry, log, history_reader(), calls_),
      ticks_([this, interval = options.bookmark_interval] {
        absl::Duration since_bookmark = absl::ZeroDuration();
        const absl::Duration tick = std::min(interval, kStallCheck);
        while (!stop_.WaitForNotificationWithTimeout(tick)) {
          watch_.EndStalled();
          since_bookmark += tick;
          if (since_bookmark < interval) continue;
          since_bookmark = absl::ZeroDuration();
          watch_.SendBookmarks();
        }
      }) {}

Services::~Services() {
  stop_.Notify();
  ticks_.join();
}

const HistoryReader& Services::history_reader() const {
  if (journal_history_ != nullptr) return *journal_history_;
  return log_history_;
}

std::vector<rpc::ServedService> Services::served() {
  return {
      Served(topology_, sas::v1::TopologyService::service_full_name(), nullptr),
      Served(node_, sas::v1::NodeService::service_full_name(), [this] { node_.Shutdown(); }),
      Served(baseline_, sas::v1::BaselineService::service_full_name(), nullptr),
      Served(aliases_, sas::v1::AliasService::service_full_name(), nullptr),
      Served(history_, sas::v1::HistoryService::service_full_name(), nullptr),
      Served(metrics_, sas::v1::MetricsService::service_full_name(), nullptr),
      Served(watch_, sas::v1::WatchService::service_full_name(), [this] { watch_.Shutdown(); })};
}

}  // namespace sasd::service
