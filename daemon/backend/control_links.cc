#include "daemon/backend/control_links.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace sasd {
namespace {

using sysfs::ControlledHost;

// Compares the numbers too: after a module reload or a hot plug they differ.
bool IsSame(const ControlledHost& a, const ControlledHost& b) {
  return a.scsi_host == b.scsi_host && a.ctl.node == b.ctl.node &&
         a.ctl.ioc_number == b.ctl.ioc_number && a.key == b.key;
}

// The registry could not distinguish their observations.
bool Overlap(const ControlledHost& a, const ControlledHost& b) {
  return a.key == b.key || a.ctl.pci_address == b.ctl.pci_address;
}

}  // namespace

ControlLinks::ControlLinks(mpt3ctl::CtlNodes& nodes, Clock& clock, ObservationSink& sink,
                           ControlLinkOptions options)
    : nodes_(nodes), clock_(clock), sink_(sink), options_(std::move(options)) {}

ControlLinks::~ControlLinks() {
  // Asks all before waiting for any, so that they end in parallel.
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
  std::vector<LinkPtr> ended;  // destroyed after the lock is released
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
      links_.push_back(
          std::make_shared<ControlLink>(host, Poller(), nodes_, clock_, sink_, options_));
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

bool ControlLinks::IsConnected(HostKey host) const {
  const std::vector<LinkPtr> links = Links();
  return std::any_of(links.begin(), links.end(), [&](const LinkPtr& link) {
    return link->host().key == host && link->driver() != nullptr;
  });
}

std::vector<ControlNodeState> ControlLinks::states() const {
  std::vector<ControlNodeState> states;
  absl::MutexLock lock(&mu_);
  for (const LinkPtr& link : links_) states.push_back(link->state());
  for (const ControlledHost& host : released_) {
    states.push_back({host.ctl.os_name, host.key, host.ctl.node, ControlNodeState::Kind::kReleased,
                      absl::OkStatus()});
  }
  return states;
}

}  // namespace sasd
