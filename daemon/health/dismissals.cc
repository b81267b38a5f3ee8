#include "daemon/health/dismissals.h"

#include <utility>

namespace sasd::health {

DismissalPtr Dismissals::Add(Dismissal dismissal) {
  auto added = std::make_shared<const Dismissal>(std::move(dismissal));
  absl::MutexLock lock(&mu_);
  ++version_;
  changed_.push_back(added->resource);
  dismissals_[added->resource] = added;
  return added;
}

DismissalPtr Dismissals::Remove(const registry::ResourceId& resource) {
  absl::MutexLock lock(&mu_);
  const auto it = dismissals_.find(resource);
  if (it == dismissals_.end()) return nullptr;
  DismissalPtr removed = std::move(it->second);
  dismissals_.erase(it);
  ++version_;
  changed_.push_back(resource);
  return removed;
}

void Dismissals::EndOnReturn(const registry::ResourceId& resource) {
  absl::MutexLock lock(&mu_);
  const auto it = dismissals_.find(resource);
  if (it == dismissals_.end() || it->second->expire_time != absl::InfiniteFuture()) return;
  dismissals_.erase(it);
  ++version_;
  changed_.push_back(resource);
}

DismissalMap Dismissals::HoldingAt(absl::Time now) {
  absl::MutexLock lock(&mu_);
  for (auto it = dismissals_.begin(); it != dismissals_.end();) {
    if (it->second->HoldsAt(now)) {
      ++it;
      continue;
    }
    changed_.push_back(it->first);
    it = dismissals_.erase(it);
  }
  return dismissals_;
}

uint64_t Dismissals::version() const {
  absl::MutexLock lock(&mu_);
  return version_;
}

std::vector<registry::ResourceId> Dismissals::TakeChanged() {
  absl::MutexLock lock(&mu_);
  return std::exchange(changed_, {});
}

DismissalPtr Dismissals::Find(const registry::ResourceId& resource) const {
  absl::MutexLock lock(&mu_);
  const auto it = dismissals_.find(resource);
  return it == dismissals_.end() ? nullptr : it->second;
}

}  // namespace sasd::health
