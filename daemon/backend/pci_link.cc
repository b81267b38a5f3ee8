#include "daemon/backend/pci_link.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "driver/observation/host_key.h"
#include "spdlog/spdlog.h"

namespace sasd {
namespace {

constexpr absl::Duration kFirstRetry = absl::Seconds(1), kLastRetry = absl::Minutes(1);

}  // namespace

PciLink::PciLink(std::string address, Clock& clock, ObservationSink& sink,
                 const PciLinkOptions& options)
    : address_(std::move(address)),
      clock_(clock),
      sink_(sink),
      options_(options),
      thread_(&PciLink::Run, this) {}

PciLink::~PciLink() {
  End();
  thread_.join();
}

void PciLink::End() {
  absl::MutexLock lock(&mu_);
  ending_ = true;
}

void PciLink::Retry() {
  absl::MutexLock lock(&mu_);
  retry_ = true;
}

std::shared_ptr<HbaDriver> PciLink::driver() const {
  absl::MutexLock lock(&mu_);
  if (connection_ == nullptr) return nullptr;
  return {connection_, connection_->driver.get()};
}

bool PciLink::AwaitConnection(absl::Time deadline) const {
  absl::MutexLock lock(&mu_);
  const auto decided = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return ending_ || kind_ != PciLinkState::Kind::kConnecting;
  };
  return mu_.AwaitWithDeadline(absl::Condition(&decided), deadline);
}

PciLinkState PciLink::state() const {
  PciLinkState state;
  std::shared_ptr<Connection> connection;
  {
    absl::MutexLock lock(&mu_);
    state.address = address_;
    state.host = host_;
    state.kind = kind_;
    state.error = error_;
    connection = connection_;
  }
  if (connection == nullptr) return state;
  const pci_ioc::PciIocStats stats = connection->transport->stats();
  switch (stats.interrupts) {
    case pci_ioc::InterruptMode::kMsix:
      state.interrupts = absl::StrCat("MSI-X (", stats.queues, ")");
      break;
    case pci_ioc::InterruptMode::kIntx:
      state.interrupts = "INTx";
      break;
    case pci_ioc::InterruptMode::kNone:
      state.interrupts = "none: sasd polls";
      break;
  }
  state.resets = stats.resets;
  state.last_reset = stats.last_reset;
  return state;
}

void PciLink::Run() {
  absl::Duration delay = kFirstRetry;
  absl::Status logged;  // not logged again
  while (true) {
    bool opened = false, connected = false;
    const absl::Status status = Serve(opened, connected);
    if (IsEnding()) return;
    Set(PciLinkState::Kind::kFailed, status);
    if (connected || status != logged) {
      const bool asked = absl::IsCancelled(status);
      spdlog::log(asked ? spdlog::level::info : spdlog::level::warn, "PCI {}: {}", address_,
                  std::string(status.message()));
      logged = status;
    }
    if (connected) delay = kFirstRetry;
    if (!AwaitRetry(opened && !connected ? delay : options_.look)) return;
    if (opened) delay = std::min(2 * delay, kLastRetry);
    // A look that finds nothing new changes no state.
  }
}

absl::Status PciLink::Serve(bool& opened, bool& connected) {
  if (options_.keys != nullptr && options_.is_present) {
    options_.keys->SetOccupied(HostLocation::OfPci(address_), options_.is_present(address_));
  }
  absl::StatusOr<std::unique_ptr<Connection>> made = Connect(opened);
  if (!made.ok()) return made.status();
  connected = true;
  const HostKey host = (*made)->driver->host();
  spdlog::info("PCI {}: sasd drives this HBA", address_);
  {
    absl::MutexLock lock(&mu_);
    connection_ = *std::move(made);
    host_ = host;
  }
  Set(PciLinkState::Kind::kConnected, absl::OkStatus());
  const absl::Status why = AwaitGoneOrEnding();
  std::shared_ptr<Connection> connection;
  {
    absl::MutexLock lock(&mu_);
    connection.swap(connection_);
  }
  connection->driver->Stop();
  ReportGone(host, why.message());
  // Those who hold the driver return it soon: they wait for nothing that has stopped.
  return why;
}

absl::StatusOr<std::unique_ptr<PciLink::Connection>> PciLink::Connect(bool& opened) {
  auto bus = options_.open(address_);
  if (!bus.ok()) return bus.status();
  opened = true;
  Set(PciLinkState::Kind::kConnecting, absl::OkStatus());
  pci_ioc::PciIocOptions options;
  options.info.pci_address = address_;
  options.info.name = absl::StrCat("pci:", address_);
  options.info.driver_name = options_.driver_of(address_);
  options.interrupts = options_.interrupts;
  options.vectors = options_.vectors;
  options.on_gone = [this](const absl::Status& why) {
    absl::MutexLock lock(&mu_);
    gone_ = true;
    why_gone_ = why;
  };
  {
    absl::MutexLock lock(&mu_);
    gone_ = false;
  }
  auto connection = std::make_unique<Connection>();
  auto transport = pci_ioc::PciIocTransport::Create(*std::move(bus), clock_, std::move(options));
  if (!transport.ok()) return transport.status();
  connection->transport = *std::move(transport);
  // The names of ports are those that sysfs gives while the kernel's driver has the HBA.
  auto driver = HbaDriver::Start(*connection->transport, clock_, sink_, PortNumbering::kByAddress,
                                 options_.keys);
  if (!driver.ok()) return driver.status();
  connection->driver = *std::move(driver);
  return connection;
}

absl::Status PciLink::AwaitGoneOrEnding() {
  absl::MutexLock lock(&mu_);
  const auto over = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return gone_ || ending_; };
  mu_.Await(absl::Condition(&over));
  return gone_ ? why_gone_ : absl::CancelledError("sasd ends");
}

bool PciLink::AwaitRetry(absl::Duration delay) {
  absl::MutexLock lock(&mu_);
  const auto wanted = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return retry_ || ending_; };
  mu_.AwaitWithTimeout(absl::Condition(&wanted), delay);
  retry_ = false;
  return !ending_;
}

bool PciLink::IsEnding() const {
  absl::MutexLock lock(&mu_);
  return ending_;
}

void PciLink::Set(PciLinkState::Kind kind, absl::Status error) {
  {
    absl::MutexLock lock(&mu_);
    kind_ = kind;
    error_ = std::move(error);
  }
  options_.on_change();
}

void PciLink::ReportGone(HostKey host, absl::string_view why) {
  ObservationBatch batch;
  batch.source = Source::kFirmware;
  batch.host = host;
  batch.cause =
      MakeCause(CauseKind::kSourceLost, absl::StrCat("sasd no longer drives the HBA: ", why));
  batch.time = clock_.Now();
  batch.observations.push_back(HostGone{host});
  sink_.Observe(std::move(batch));
  sink_.Flush();
}

}  // namespace sasd
