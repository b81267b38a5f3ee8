#include "daemon/backend/control_link.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "spdlog/spdlog.h"

namespace sasd {
namespace {

constexpr absl::Duration kFirstRetry = absl::Seconds(1), kLastRetry = absl::Minutes(1);

}  // namespace

ControlLink::ControlLink(sysfs::ControlledHost host, std::shared_ptr<mpt3ctl::CtlPoller> poller,
                         mpt3ctl::CtlNodes& nodes, Clock& clock, ObservationSink& sink,
                         const ControlLinkOptions& options)
    : host_(std::move(host)),
      nodes_(nodes),
      clock_(clock),
      sink_(sink),
      options_(options),
      poller_(std::move(poller)),
      thread_(&ControlLink::Run, this) {}

ControlLink::~ControlLink() {
  End();
  thread_.join();
}

void ControlLink::End() {
  absl::MutexLock lock(&mu_);
  ending_ = true;
}

bool ControlLink::has_ended() const {
  absl::MutexLock lock(&mu_);
  return ended_;
}

void ControlLink::AwaitEnd() {
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(&ended_));
}

void ControlLink::Retry() {
  absl::MutexLock lock(&mu_);
  retry_ = true;
}

std::shared_ptr<HbaDriver> ControlLink::driver() const {
  absl::MutexLock lock(&mu_);
  return driver_;
}

bool ControlLink::AwaitConnection(absl::Time deadline) const {
  absl::MutexLock lock(&mu_);
  const auto decided = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return ended_ || kind_ != ControlNodeState::Kind::kConnecting;
  };
  return mu_.AwaitWithDeadline(absl::Condition(&decided), deadline);
}

ControlNodeState ControlLink::state() const {
  absl::MutexLock lock(&mu_);
  return {host_.ctl.os_name, host_.key, host_.ctl.node, kind_, error_};
}

void ControlLink::Run() {
  // Before the first attempt, so that no client takes the topology for complete.
  ReportInProgress();
  absl::Duration delay = kFirstRetry;
  absl::Status logged;  // not logged again
  while (true) {
    bool connected = false;
    const absl::Status status = Serve(connected);
    if (IsEnding()) break;
    Set(ControlNodeState::Kind::kFailed, status);
    if (connected) options_.on_loss();
    // The HBA is in reset, or its driver is still loading. Both end without action.
    const bool busy = absl::IsUnavailable(status);
    if (connected || status != logged) {
      spdlog::log(busy ? spdlog::level::info : spdlog::level::warn,
                  "{}: {}; only sysfs reports this host", host_.ctl.os_name,
                  std::string(status.message()));
      logged = status;
    }
    if (connected || busy) delay = kFirstRetry;
    if (!AwaitRetry(delay)) break;
    delay = std::min(2 * delay, kLastRetry);
    Set(ControlNodeState::Kind::kConnecting, absl::OkStatus());
  }
  ReleasePoller();
  {
    absl::MutexLock lock(&mu_);
    ended_ = true;
  }
  options_.on_loss();
}

absl::Status ControlLink::Serve(bool& connected) {
  absl::StatusOr<Connection> made = Connect();
  if (!made.ok()) {
    ReportGone(host_.key, made.status().message());
    return made.status();
  }
  connected = true;
  spdlog::info("{}: the firmware reports to sasd through {}", host_.ctl.os_name, host_.ctl.node);
  const auto connection = std::make_shared<Connection>(*std::move(made));
  {
    absl::MutexLock lock(&mu_);
    driver_ = std::shared_ptr<HbaDriver>(connection, connection->driver.get());
  }
  Set(ControlNodeState::Kind::kConnected, absl::OkStatus());
  const HostKey host = connection->driver->host();
  const bool gone = AwaitGoneOrEnding();
  connection->driver->Stop();
  const absl::Status why = gone ? absl::FailedPreconditionError("the HBA is gone")
                                : absl::CancelledError("sasd has closed its control node");
  ReportGone(host, why.message());
  return why;
}

absl::StatusOr<ControlLink::Connection> ControlLink::Connect() {
  mpt3ctl::CtlOptions options;
  if (options_.reset_count) options.reset_count = options_.reset_count(host_);
  options.on_gone = [this] {
    absl::MutexLock lock(&mu_);
    gone_ = true;
  };
  Connection connection;
  {
    absl::MutexLock lock(&mu_);
    gone_ = false;
    connection.poller = poller_;
  }
  auto transport = mpt3ctl::CtlTransport::Create(host_.ctl, nodes_, *connection.poller, clock_,
                                                 std::move(options));
  if (!transport.ok()) return transport.status();
  connection.transport = *std::move(transport);
  ReportInProgress();
  auto driver = HbaDriver::Start(*connection.transport, clock_, sink_, PortNumbering::kByAddress,
                                 options_.keys);
  if (!driver.ok()) return driver.status();
  connection.driver = *std::move(driver);
  const HostKey reported = connection.driver->host();
  if (host_.key != HostKey() && reported != host_.key) {
    connection.driver->Stop();
    ReportGone(reported, "it belongs to another HBA");
    return absl::FailedPreconditionError(absl::StrCat("the firmware at ", host_.ctl.node,
                                                      " reports SAS address ", ToText(reported),
                                                      ", but sysfs shows ", ToText(host_.key)));
  }
  return connection;
}

void ControlLink::ReportInProgress() {
  DiscoveryFacts discovery;
  discovery.host = host_.key;
  discovery.state = DiscoveryState::kInProgress;
  Report(discovery.host, MakeCause(CauseKind::kStartup, "asking the firmware"), discovery);
}

void ControlLink::ReportGone(HostKey host, absl::string_view why) {
  Report(host,
         MakeCause(CauseKind::kSourceLost, absl::StrCat("the firmware no longer reports: ", why)),
         HostGone{host});
}

void ControlLink::Report(HostKey host, Cause cause, Observation observation) {
  if (host == HostKey()) return;
  ObservationBatch batch;
  batch.source = Source::kFirmware;
  batch.host = host;
  batch.cause = std::move(cause);
  batch.time = clock_.Now();
  batch.observations.push_back(std::move(observation));
  sink_.Observe(std::move(batch));
  sink_.Flush();
}

void ControlLink::ReleasePoller() {
  std::shared_ptr<mpt3ctl::CtlPoller> poller;  // destroyed after the lock is released
  absl::MutexLock lock(&mu_);
  poller.swap(poller_);
}

bool ControlLink::IsEnding() const {
  absl::MutexLock lock(&mu_);
  return ending_;
}

bool ControlLink::AwaitGoneOrEnding() {
  absl::MutexLock lock(&mu_);
  const auto over = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return gone_ || ending_; };
  mu_.Await(absl::Condition(&over));
  driver_ = nullptr;
  return gone_;
}

bool ControlLink::AwaitRetry(absl::Duration delay) {
  absl::MutexLock lock(&mu_);
  const auto wanted = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return retry_ || ending_; };
  mu_.AwaitWithTimeout(absl::Condition(&wanted), delay);
  retry_ = false;
  return !ending_;
}

void ControlLink::Set(ControlNodeState::Kind kind, absl::Status error) {
  {
    absl::MutexLock lock(&mu_);
    kind_ = kind;
    error_ = std::move(error);
  }
  options_.on_change();
}

}  // namespace sasd
