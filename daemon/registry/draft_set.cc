#include "daemon/registry/draft_set.h"

#include <algorithm>
#include <iterator>
#include <type_traits>

namespace sasd::registry {
namespace {

// Expanders form chains: the one nearer to the host comes first.
template <typename T>
int DepthOf(const T&) {
  return 0;
}
int DepthOf(const Expander& expander) { return expander.facts.level; }

// Stamps `after`. `before` may be null.
template <typename T>
void SetTimes(const SourceTable& table, const T* before, T& after, Stamp stamp) {
  after.stamp = stamp;
  if constexpr (std::is_same_v<T, EndDevice>) {
    const bool stays = before != nullptr && before->facts.state == after.facts.state &&
                       (before->sources & table.proving()) == (after.sources & table.proving());
    after.state_unix_nanos = stays ? before->state_unix_nanos : stamp.unix_nanos;
  }
}

template <typename T>
void KeepTimes(const T& before, T& after) {
  after.stamp = before.stamp;
  if constexpr (std::is_same_v<T, EndDevice>) after.state_unix_nanos = before.state_unix_nanos;
}

template <typename T>
const T& ResourceOf(const Change& change) {
  return *std::get<IndexOf<T>()>(change.resource());
}

template <typename T>
bool ParentFirst(const Change& a, const Change& b) {
  const T &x = ResourceOf<T>(a), &y = ResourceOf<T>(b);
  const int depth_x = DepthOf(x), depth_y = DepthOf(y);
  return depth_x != depth_y ? depth_x < depth_y : x.key() < y.key();
}

// By kind: the order of Topology::VisitAll, parents before children.
constexpr ResourceKind kParentsFirst[] = {
    ResourceKind::kHost, ResourceKind::kEnclosure, ResourceKind::kExpander,    ResourceKind::kPhy,
    ResourceKind::kPort, ResourceKind::kEndDevice, ResourceKind::kLogicalUnit, ResourceKind::kSlot};

using ByKind = std::array<std::vector<Change>, kResourceKindCount>;

std::vector<Change> Ordered(ByKind by_kind) {
  std::vector<Change> ordered;
  size_t size = 0;
  for (const auto& changes : by_kind) size += changes.size();
  ordered.reserve(size);
  const auto take = [&](ResourceKind kind, ChangeKind what) {
    for (Change& change : by_kind[static_cast<size_t>(kind) - 1]) {
      if (!IsNull(change.resource()) && change.kind() == what) ordered.push_back(std::move(change));
    }
  };
  for (auto it = std::rbegin(kParentsFirst); it != std::rend(kParentsFirst); ++it) {
    auto& changes = by_kind[static_cast<size_t>(*it) - 1];
    std::reverse(changes.begin(), changes.end());
    take(*it, ChangeKind::kRemoved);
    std::reverse(changes.begin(), changes.end());
  }
  for (const ResourceKind kind : kParentsFirst) take(kind, ChangeKind::kAdded);
  for (const ResourceKind kind : kParentsFirst) take(kind, ChangeKind::kModified);
  return ordered;
}

}  // namespace

template <typename T>
std::vector<Change> DraftSet::CommitKind(Stamp stamp) {
  std::vector<Change> changes;
  for (auto& [key, draft] : std::get<Drafts<T>>(drafts_)) {
    if (draft.before == nullptr && draft.after == nullptr) continue;
    if constexpr (std::is_same_v<T, Host> || std::is_same_v<T, Enclosure>) {
      if (draft.after != nullptr) draft.after->alias = aliases_.Of(key);
    }
    if (draft.before != nullptr && draft.after != nullptr &&
        SameContent(*draft.before, *draft.after)) {
      // What only the registry knows may have changed. Clients see no change.
      KeepTimes(*draft.before, *draft.after);
      continue;
    }
    if (draft.after != nullptr) SetTimes(sources_, draft.before.get(), *draft.after, stamp);
    Change change{ResourceRef(std::move(draft.before)),
                  ResourceRef(std::shared_ptr<const T>(std::move(draft.after)))};
    changes.push_back(std::move(change));
  }
  std::sort(changes.begin(), changes.end(), ParentFirst<T>);
  return changes;
}

std::vector<Change> DraftSet::Commit(Stamp stamp) {
  return Ordered({CommitKind<Host>(stamp), CommitKind<Phy>(stamp), CommitKind<Port>(stamp),
                  CommitKind<Expander>(stamp), CommitKind<EndDevice>(stamp),
                  CommitKind<LogicalUnit>(stamp), CommitKind<Enclosure>(stamp),
                  CommitKind<Slot>(stamp)});
}

}  // namespace sasd::registry
