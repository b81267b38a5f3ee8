#include "daemon/service/settled_waits.h"

namespace sasd::service {

using HostId = registry::Host::Key;

bool SettledWaits::Park(const SettledWaiter* key, Entry& entry) {
  const std::vector<HostId>& hosts = entry.waiter->hosts();
  if (hosts.empty()) {
    if (registry_.AllSettled()) return false;
    of_all_.insert(key);
    return true;
  }
  for (const HostId& host : hosts) {
    if (registry_.IsSettled(host)) continue;
    entry.awaited = host;
    by_host_[host].insert(key);
    return true;
  }
  return false;
}

bool SettledWaits::Add(const std::shared_ptr<SettledWaiter>& waiter) {
  std::shared_ptr<const registry::Topology> topology;
  {
    absl::MutexLock lock(&mu_);
    if (closed_) return false;
    if (cursor_ == nullptr) {
      cursor_ = log_.Subscribe(weak_from_this());
      CatchUp();  // before the look at the registry: what comes later wakes
    }
    Entry entry;
    entry.waiter = waiter;
    if (Park(waiter.get(), entry)) {
      entries_.emplace(waiter.get(), std::move(entry));
      return true;
    }
    topology = registry_.Snapshot();
    if (entries_.empty()) cursor_.reset();
  }
  waiter->OnSettled(*topology);
  return true;
}

void SettledWaits::Remove(const SettledWaiter* waiter) {
  std::shared_ptr<SettledWaiter> last;  // destroyed without the lock
  absl::MutexLock lock(&mu_);
  const auto it = entries_.find(waiter);
  if (it == entries_.end()) return;
  of_all_.erase(waiter);
  if (const auto awaited = by_host_.find(it->second.awaited); awaited != by_host_.end()) {
    awaited->second.erase(waiter);
    if (awaited->second.empty()) by_host_.erase(awaited);
  }
  last = std::move(it->second.waiter);
  entries_.erase(it);
  if (entries_.empty()) cursor_.reset();
}

std::vector<std::shared_ptr<SettledWaiter>> SettledWaits::Close() {
  std::vector<std::shared_ptr<SettledWaiter>> waiters;
  absl::MutexLock lock(&mu_);
  closed_ = true;
  for (const auto& [key, entry] : entries_) waiters.push_back(entry.waiter);
  return waiters;
}

size_t SettledWaits::size() const {
  absl::MutexLock lock(&mu_);
  return entries_.size();
}

void SettledWaits::CatchUp() {
  do {
    cursor_->BeginSnapshot();
    cursor_->EndSnapshot();
  } while (cursor_->Next(1, 1).state != watch::Cursor::Batch::State::kAtEnd);
}

SettledWaits::Waiters SettledWaits::TakeSettled() {
  Waiters settled;
  if (!of_all_.empty() && registry_.AllSettled()) settled.swap(of_all_);
  std::vector<HostId> hosts;
  for (const auto& [host, waiters] : by_host_) {
    if (registry_.IsSettled(host)) hosts.push_back(host);
  }
  for (const HostId& host : hosts) {
    const Waiters waiters = std::move(by_host_.extract(host).mapped());
    for (const SettledWaiter* waiter : waiters) {
      if (!Park(waiter, entries_.at(waiter))) settled.insert(waiter);
    }
  }
  return settled;
}

void SettledWaits::OnReady() {
  {
    absl::MutexLock lock(&mu_);
    if (cursor_ == nullptr) return;
    CatchUp();
    const Waiters settled = TakeSettled();
    if (settled.empty()) return;
    const std::shared_ptr<const registry::Topology> topology = registry_.Snapshot();
    for (const SettledWaiter* waiter : settled) {
      ready_.push_back({entries_.extract(waiter).mapped().waiter, topology});
    }
    if (entries_.empty()) cursor_.reset();
    if (finishing_) return;
    finishing_ = true;
  }
  // Answering many calls takes long, and this is the publishing thread.
  run_soon_([weak = weak_from_this()] {
    if (const std::shared_ptr<SettledWaits> self = weak.lock()) self->FinishReady();
  });
}

void SettledWaits::FinishReady() {
  while (true) {
    std::vector<Ready> ready;
    {
      absl::MutexLock lock(&mu_);
      ready.swap(ready_);
      if (ready.empty()) {
        finishing_ = false;
        return;
      }
    }
    for (const Ready& each : ready) each.waiter->OnSettled(*each.topology);
  }
}

}  // namespace sasd::service
