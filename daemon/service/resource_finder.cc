#include "daemon/service/resource_finder.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "daemon/service/names.h"
#include "daemon/service/spellings.h"
#include "driver/base/clock.h"

namespace sasd::service {
namespace {

constexpr absl::Duration kRound = absl::Seconds(1);

}  // namespace

ResourceFinder::~ResourceFinder() {
  {
    absl::MutexLock lock(&mu_);
    stop_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

FoundResources ResourceFinder::Find(const std::shared_ptr<const registry::Topology>& topology,
                                    absl::string_view query,
                                    absl::Span<const registry::ResourceKind> kinds,
                                    Cancelled cancelled) {
  FoundResources found;
  bool is_indexed = false;
  {
    absl::MutexLock lock(&mu_);
    used_ = true;
    if (!running_) {
      running_ = true;
      thread_ = std::thread([this] { Run(); });
    }
    if (index_ != nullptr) {
      index_->MoveTo(topology);
      found.resources = FindExact(*topology, query, kinds, index_.get());
      is_indexed = true;
    }
  }
  if (!is_indexed) found.resources = FindExact(*topology, query, kinds, nullptr, cancelled);
  if (found.resources.empty()) found.suggestions = Suggest(*topology, query, kinds, cancelled);
  return found;
}

std::string ResourceFinder::WithoutAlias(absl::string_view query) const {
  if (aliases_ == nullptr) return std::string(query);
  const absl::string_view plain = absl::StripAsciiWhitespace(query);
  if (const auto holder = aliases_(plain)) return NameOf(*holder);
  SlotQuery slot;
  if (!ParseSlotQuery(plain, &slot)) return std::string(query);
  const auto holder = aliases_(slot.enclosure);
  if (!holder.has_value()) return std::string(query);
  const auto* enclosure = std::get_if<registry::IndexOf<registry::Enclosure>()>(&*holder);
  if (enclosure == nullptr) return std::string(query);
  return NameOf(registry::MakeId<registry::Slot>({*enclosure, slot.slot}));
}

bool ResourceFinder::has_index() const {
  absl::MutexLock lock(&mu_);
  return index_ != nullptr;
}

void ResourceFinder::Step(absl::Duration now) {
  std::shared_ptr<const registry::Topology> topology = registry_.Snapshot();
  std::unique_ptr<SpellingIndex> old, made;
  {
    absl::MutexLock lock(&mu_);
    if (std::exchange(used_, false)) last_use_ = now;
    if (now - last_use_ > kKeep) {
      old = std::move(index_);  // freed without the lock
      return;
    }
    if (index_ != nullptr) {
      index_->MoveTo(std::move(topology));
      return;
    }
  }
  made = std::make_unique<SpellingIndex>();
  made->MoveTo(std::move(topology));
  absl::MutexLock lock(&mu_);
  index_ = std::move(made);
}

void ResourceFinder::Run() {
  Clock& clock = SystemClock();
  while (true) {
    Step(clock.Monotonic());
    absl::MutexLock lock(&mu_);
    if (mu_.AwaitWithTimeout(absl::Condition(&stop_), kRound)) return;
  }
}

}  // namespace sasd::service
