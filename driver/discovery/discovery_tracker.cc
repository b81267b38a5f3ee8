#include "driver/discovery/discovery_tracker.h"

#include <utility>

#include "driver/wire/mpi/constants.h"

namespace sasd::discovery {

void DiscoveryTracker::set_host(HostKey host) {
  absl::MutexLock lock(&mu_);
  host_ = host;
}

void DiscoveryTracker::SetStarting(bool starting) {
  absl::MutexLock lock(&mu_);
  starting_ = starting;
}

void DiscoveryTracker::OnEvent(const mpi::DiscoveryEvent& event) {
  absl::MutexLock lock(&mu_);
  Port& port = ports_[event.port];
  if (event.reason == mpi::DiscoveryEvent::kStarted) {
    port.in_progress = true;
  } else if (event.reason == mpi::DiscoveryEvent::kCompleted) {
    port.in_progress = false;
    port.status = event.status;
  }
}

void DiscoveryTracker::OnPorts(const mpi::SasIoUnitPage0& page) {
  absl::MutexLock lock(&mu_);
  ports_.clear();
  for (const mpi::SasIoUnitPage0::Phy& phy : page.phys) {
    Port& port = ports_[phy.port];
    port.in_progress |= (phy.port_flags & mpi::SasIoUnitPage0::kPortFlagDiscoveryInProgress) != 0;
    port.status |= phy.discovery_status;
  }
}

void DiscoveryTracker::OnReset() {
  absl::MutexLock lock(&mu_);
  ports_.clear();
  recovering_ = true;
  failure_.clear();
  ++resets_;
}

void DiscoveryTracker::OnRecovered() {
  absl::MutexLock lock(&mu_);
  recovering_ = starting_ = false;
}

void DiscoveryTracker::OnFailure(std::string why) {
  absl::MutexLock lock(&mu_);
  recovering_ = starting_ = false;
  failure_ = std::move(why);
}

DiscoveryFacts DiscoveryTracker::Facts() const {
  DiscoveryFacts facts;
  facts.host = host_;
  facts.reset_count = resets_;
  bool in_progress = starting_;
  for (const auto& [number, port] : ports_) {
    in_progress |= port.in_progress;
    facts.status |= port.status;
  }
  facts.status_text = failure_.empty() ? mpi::DiscoveryStatusText(facts.status) : failure_;
  if (!failure_.empty()) {
    facts.state = DiscoveryState::kFailed;
  } else if (recovering_) {
    facts.state = DiscoveryState::kRecovering;
  } else if (in_progress) {
    facts.state = DiscoveryState::kInProgress;
  } else {
    facts.state = facts.status != 0 ? DiscoveryState::kFailed : DiscoveryState::kSettled;
  }
  return facts;
}

void DiscoveryTracker::Report(ChangeSet& changes) {
  absl::MutexLock lock(&mu_);
  DiscoveryFacts facts = Facts();
  if (facts == reported_) return;
  reported_ = facts;
  changes.Add(std::move(facts));
}

bool DiscoveryTracker::quiet() const {
  absl::MutexLock lock(&mu_);
  const DiscoveryState state = Facts().state;
  return state != DiscoveryState::kRecovering && state != DiscoveryState::kInProgress;
}

bool DiscoveryTracker::recovering() const {
  absl::MutexLock lock(&mu_);
  return recovering_;
}

}  // namespace sasd::discovery
