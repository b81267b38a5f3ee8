#include "daemon/control_links.h"

#include <algorithm>
#include <string>
#include <thread>  // NOLINT: one owned thread each
#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/aligned_sink.h"
#include "driver/driver.h"
#include "driver/transport/mpt3ctl/ctl_transport.h"
#include "spdlog/spdlog.h"

namespace sasd {
namespace {

using sysfs::ControlledHost;

constexpr absl::Duration kFirstRetry = absl::Seconds(1), kLastRetry = absl::Minutes(1);

// The same HBA under the same number: after a reload of the module or a hot plug it is another.
bool IsSame(const ControlledHost& a, const ControlledHost& b) {
  return a.scsi_host == b.scsi_host && a.ctl.node == b.ctl.node &&
         a.ctl.ioc_number == b.ctl.ioc_number && a.ctl.sas_address == b.ctl.sas_address;
}

// What is told of both would get mixed up.
bool Overlap(const ControlledHost& a, const ControlledHost& b) {
  return a.ctl.sas_address == b.ctl.sas_address || a.ctl.pci_address == b.ctl.pci_address;
}

}  // namespace

// One HBA. Its thread connects, waits until it is to end or the HBA is gone, and takes leave.
class ControlLinks::Link {
 public:
  Link(ControlledHost host, std::shared_ptr<mpt3ctl::CtlPoller> poller, const ControlLinks& links)
      : host_(std::move(host)),
        nodes_(links.nodes_),
        clock_(links.clock_),
        sink_(links.sink_),
        options_(links.options_),
        poller_(std::move(poller)),
        thread_(&Link::Run, this) {}

  ~Link() {
    End();
    thread_.join();
  }

  const ControlledHost& host() const { return host_; }

  void End() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    ending_ = true;
  }
  // The thread does nothing more but to return.
  bool has_ended() const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return ended_;
  }
  void AwaitEnd() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    mu_.Await(absl::Condition(&ended_));
  }
  void Retry() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    retry_ = true;
  }

  // Null unless connected.
  std::shared_ptr<HbaDriver> driver() const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return driver_;
  }
  bool AwaitConnection(absl::Time deadline) const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    const auto decided = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
      return ended_ || kind_ != ControlNodeState::Kind::kConnecting;
    };
    return mu_.AwaitWithDeadline(absl::Condition(&decided), deadline);
  }
  ControlNodeState state() const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return {host_.ctl.os_name, host_.ctl.sas_address, host_.ctl.node, kind_, error_};
  }

 private:
  // What a connection is made of, each using those before it.
  struct Connection {
    std::shared_ptr<mpt3ctl::CtlPoller> poller;
    std::unique_ptr<mpt3ctl::CtlTransport> transport;
    std::unique_ptr<AlignedSink> sink;
    std::unique_ptr<HbaDriver> driver;
  };

  void Run() ABSL_LOCKS_EXCLUDED(mu_) {
    // From the first moment on: nobody is to think that all is told.
    TellInProgress();
    absl::Duration delay = kFirstRetry;
    absl::Status logged;  // the same again is not worth a line
    while (true) {
      bool connected = false;
      const absl::Status status = Serve(connected);
      if (IsEnding()) break;
      Set(ControlNodeState::Kind::kFailed, status);
      if (connected) options_.on_loss();
      // In reset, or its driver still loads: that passes by itself.
      const bool busy = absl::IsUnavailable(status);
      if (connected || status != logged) {
        spdlog::log(busy ? spdlog::level::info : spdlog::level::warn,
                    "{}: {}; sysfs alone tells of it", host_.ctl.os_name,
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

  // Connects and waits for the end of it. Returns why there is no connection any more.
  absl::Status Serve(bool& connected) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::StatusOr<Connection> made = Connect();
    if (!made.ok()) {
      TellGone(host_.ctl.sas_address, made.status().message());
      return made.status();
    }
    connected = true;
    spdlog::info("{}: the firmware tells of it, at {}", host_.ctl.os_name, host_.ctl.node);
    const auto connection = std::make_shared<Connection>(*std::move(made));
    {
      absl::MutexLock lock(&mu_);
      driver_ = std::shared_ptr<HbaDriver>(connection, connection->driver.get());
    }
    Set(ControlNodeState::Kind::kConnected, absl::OkStatus());
    const SasAddress host = connection->driver->host();
    const bool gone = AwaitGoneOrEnding();
    connection->driver->Stop();
    const absl::Status why = gone ? absl::FailedPreconditionError("the HBA is gone")
                                  : absl::CancelledError("its control node was let go of");
    TellGone(host, why.message());
    return why;
  }

  absl::StatusOr<Connection> Connect() {
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
    connection.sink = std::make_unique<AlignedSink>(sink_);
    TellInProgress();
    auto driver = HbaDriver::Start(*connection.transport, clock_, *connection.sink);
    if (!driver.ok()) return driver.status();
    connection.driver = *std::move(driver);
    const SasAddress told = connection.driver->host();
    if (host_.ctl.sas_address != SasAddress() && told != host_.ctl.sas_address) {
      connection.driver->Stop();
      TellGone(told, "it is another HBA's");
      return absl::FailedPreconditionError(
          absl::StrCat("the firmware at ", host_.ctl.node, " says that it is ", ToHex(told),
                       ", sysfs that it is ", ToHex(host_.ctl.sas_address)));
    }
    return connection;
  }

  void TellInProgress() {
    DiscoveryFacts discovery;
    discovery.host = host_.ctl.sas_address;
    discovery.state = DiscoveryState::kInProgress;
    Tell(discovery.host, MakeCause(CauseKind::kStartup, "the firmware is asked"), discovery);
  }
  void TellGone(SasAddress host, absl::string_view why) {
    Tell(host, MakeCause(CauseKind::kControl, absl::StrCat("no word of the firmware: ", why)),
         HostGone{host});
  }
  void Tell(SasAddress host, Cause cause, Observation observation) {
    if (host == SasAddress()) return;
    ObservationBatch batch;
    batch.source = Source::kFirmware;
    batch.host = host;
    batch.cause = std::move(cause);
    batch.time = clock_.Now();
    batch.observations.push_back(std::move(observation));
    sink_.Observe(std::move(batch));
  }

  // Ends the polling, and closes the nodes, with the last of the links.
  void ReleasePoller() ABSL_LOCKS_EXCLUDED(mu_) {
    std::shared_ptr<mpt3ctl::CtlPoller> poller;  // goes without the lock
    absl::MutexLock lock(&mu_);
    poller.swap(poller_);
  }
  bool IsEnding() const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return ending_;
  }
  // Whether the HBA is gone; drops driver().
  bool AwaitGoneOrEnding() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    const auto over = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return gone_ || ending_; };
    mu_.Await(absl::Condition(&over));
    driver_ = nullptr;
    return gone_;
  }
  // False: it is to end.
  bool AwaitRetry(absl::Duration delay) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    const auto wanted = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return retry_ || ending_; };
    mu_.AwaitWithTimeout(absl::Condition(&wanted), delay);
    retry_ = false;
    return !ending_;
  }
  void Set(ControlNodeState::Kind kind, absl::Status error) ABSL_LOCKS_EXCLUDED(mu_) {
    {
      absl::MutexLock lock(&mu_);
      kind_ = kind;
      error_ = std::move(error);
    }
    options_.on_change();
  }

  const ControlledHost host_;
  mpt3ctl::CtlNodes& nodes_;
  Clock& clock_;
  ObservationSink& sink_;
  const Options& options_;

  mutable absl::Mutex mu_;                                           // a leaf
  std::shared_ptr<mpt3ctl::CtlPoller> poller_ ABSL_GUARDED_BY(mu_);  // until it has ended
  bool ending_ ABSL_GUARDED_BY(mu_) = false;
  bool gone_ ABSL_GUARDED_BY(mu_) = false;
  bool retry_ ABSL_GUARDED_BY(mu_) = false;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
  ControlNodeState::Kind kind_ ABSL_GUARDED_BY(mu_) = ControlNodeState::Kind::kConnecting;
  absl::Status error_ ABSL_GUARDED_BY(mu_);
  std::shared_ptr<HbaDriver> driver_ ABSL_GUARDED_BY(mu_);

  std::thread thread_;  // the last: it uses the others
};

ControlLinks::ControlLinks(mpt3ctl::CtlNodes& nodes, Clock& clock, ObservationSink& sink,
                           Options options)
    : nodes_(nodes), clock_(clock), sink_(sink), options_(std::move(options)) {}

ControlLinks::~ControlLinks() {
  // All at once, so that they end side by side.
  for (const LinkPtr& link : Links()) link->End();
}

std::vector<ControlLinks::LinkPtr> ControlLinks::Links() const {
  absl::MutexLock lock(&mu_);
  return links_;
}

std::shared_ptr<mpt3ctl::CtlPoller> ControlLinks::Poller() {
  std::shared_ptr<mpt3ctl::CtlPoller> poller = poller_.lock();
  if (poller == nullptr) {
    poller = std::make_shared<mpt3ctl::CtlPoller>(nodes_);
    poller_ = poller;
  }
  return poller;
}

std::vector<ControlLinks::LinkPtr> ControlLinks::TakeEnded() {
  const auto at = std::partition(ending_.begin(), ending_.end(),
                                 [](const LinkPtr& link) { return !link->has_ended(); });
  std::vector<LinkPtr> ended(at, ending_.end());
  ending_.erase(at, ending_.end());
  return ended;
}

bool ControlLinks::IsEnding(const ControlledHost& host) const {
  return std::any_of(ending_.begin(), ending_.end(),
                     [&](const LinkPtr& link) { return Overlap(link->host(), host); });
}

void ControlLinks::Follow(const std::vector<ControlledHost>& hosts) {
  const auto among = [](const std::vector<ControlledHost>& hosts, const ControlledHost& host) {
    return std::any_of(hosts.begin(), hosts.end(),
                       [&](const ControlledHost& other) { return IsSame(host, other); });
  };
  std::vector<LinkPtr> ended;  // goes without the lock
  absl::MutexLock lock(&mu_);
  std::vector<LinkPtr> before = std::move(links_);
  links_.clear();
  for (LinkPtr& link : before) {
    if (among(hosts, link->host())) continue;
    link->End();
    ending_.push_back(std::exchange(link, nullptr));
  }
  ended = TakeEnded();
  released_.erase(std::remove_if(released_.begin(), released_.end(),
                                 [&](const ControlledHost& host) { return !among(hosts, host); }),
                  released_.end());
  for (const ControlledHost& host : hosts) {
    const auto known = std::find_if(before.begin(), before.end(), [&](const LinkPtr& link) {
      return link != nullptr && IsSame(link->host(), host);
    });
    if (known != before.end()) {
      links_.push_back(std::move(*known));
    } else if (!among(released_, host) && !IsEnding(host)) {
      links_.push_back(std::make_shared<Link>(host, Poller(), *this));
    }
  }
}

void ControlLinks::Release() {
  std::vector<LinkPtr> links;
  {
    absl::MutexLock lock(&mu_);
    for (const LinkPtr& link : links_) released_.push_back(link->host());
    links = std::move(links_);
    links_.clear();
    ending_.insert(ending_.end(), links.begin(), links.end());
    links = ending_;
  }
  for (const LinkPtr& link : links) link->End();
  for (const LinkPtr& link : links) link->AwaitEnd();
}

void ControlLinks::Retry() {
  absl::MutexLock lock(&mu_);
  released_.clear();
  for (const LinkPtr& link : links_) link->Retry();
}

void ControlLinks::Rescan() {
  for (const LinkPtr& link : Links()) {
    if (const auto driver = link->driver()) driver->Rescan();
  }
}

absl::Status ControlLinks::WaitIdle(absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  for (const LinkPtr& link : Links()) {
    if (!link->AwaitConnection(deadline)) {
      return absl::DeadlineExceededError(
          absl::StrCat(link->host().ctl.os_name, ": the firmware has not answered yet"));
    }
    const auto driver = link->driver();
    if (driver == nullptr) continue;
    if (absl::Status s = driver->WaitIdle(deadline - absl::Now()); !s.ok()) return s;
  }
  return absl::OkStatus();
}

bool ControlLinks::IsConnected(SasAddress host) const {
  const std::vector<LinkPtr> links = Links();
  return std::any_of(links.begin(), links.end(), [&](const LinkPtr& link) {
    return link->host().ctl.sas_address == host && link->driver() != nullptr;
  });
}

std::vector<ControlNodeState> ControlLinks::states() const {
  std::vector<ControlNodeState> states;
  absl::MutexLock lock(&mu_);
  for (const LinkPtr& link : links_) states.push_back(link->state());
  for (const ControlledHost& host : released_) {
    states.push_back({host.ctl.os_name, host.ctl.sas_address, host.ctl.node,
                      ControlNodeState::Kind::kReleased, absl::OkStatus()});
  }
  return states;
}

}  // namespace sasd
