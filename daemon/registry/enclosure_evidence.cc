#include "daemon/registry/enclosure_evidence.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"

namespace sasd::registry {
namespace {

// More is a loop in a source's data.
constexpr size_t kDeepest = 32;

using Chain = std::vector<NodeKey>;

class Evidence {
 public:
  Evidence(const Tables& tables, const EnclosureCopies& copies, EnclosureKey enclosure)
      : tables_(tables), copies_(copies), enclosure_(enclosure) {}

  std::optional<Separation> Between(const Slot::Occupant& a, const Slot::Occupant& b,
                                    absl::Span<const NodeKey> before) {
    if (!AreTwoDrives(a, b)) return std::nullopt;
    const EndDevice* device_a = tables_.of<EndDevice>().Find(a.device);
    const EndDevice* device_b = tables_.of<EndDevice>().Find(b.device);
    if (device_a == nullptr || device_b == nullptr) return std::nullopt;
    const NodeKey parent_a = device_a->facts.parent, parent_b = device_b->facts.parent;
    const auto [node_a, node_b] = Branches(parent_a, parent_b);
    if (!node_a && !node_b) return std::nullopt;
    const Group group_a = GroupOf(node_a, parent_a), group_b = GroupOf(node_b, parent_b);
    if (HasAny(group_a.nodes, {group_b.nodes.begin(), group_b.nodes.end()})) return std::nullopt;
    // What is beneath a node moves with it.
    const bool can_a = node_a && !HasAny(group_a.nodes, ChainOf(parent_b));
    const bool can_b = node_b && !HasAny(group_b.nodes, ChainOf(parent_a));
    if (!can_a && !can_b) return std::nullopt;
    const auto seen_a = CopyElsewhere(group_a), seen_b = CopyElsewhere(group_b);
    const auto was_here = [before](const Slot::Occupant& occupant) {
      return std::find(before.begin(), before.end(), occupant.device) != before.end();
    };
    bool move_b = can_b;
    if (can_a && can_b) {
      if (seen_a.has_value() != seen_b.has_value()) {
        move_b = seen_b.has_value();
      } else {
        move_b = was_here(a) != was_here(b) ? was_here(a) : *node_a < *node_b;
      }
    }
    const Group& group = move_b ? group_b : group_a;
    std::optional<uint8_t> copy = move_b ? seen_b : seen_a;
    if (!copy) copy = copies_.Free(enclosure_.value());
    if (!copy) return std::nullopt;
    return Separation{enclosure_, {group.nodes.begin(), group.nodes.end()}, *copy};
  }

 private:
  using Nodes = absl::btree_set<NodeKey>;
  // Nodes that lead to one enclosure, and its units that are reached over them.
  struct Group {
    Nodes nodes;
    absl::btree_set<LogicalUnitKey> units;
  };

  static bool HasAny(const Nodes& nodes, const Chain& chain) {
    return std::any_of(chain.begin(), chain.end(),
                       [&](const NodeKey& node) { return nodes.contains(node); });
  }

  bool HasLostAPath(const UnitPathPtr& path) const {
    const LogicalUnit* unit = tables_.of<LogicalUnit>().Find(path->unit);
    return unit == nullptr || unit->paths.size() < unit->most_paths;
  }

  bool AreTwoDrives(const Slot::Occupant& a, const Slot::Occupant& b) const {
    if (a.units.empty() || b.units.empty()) return false;
    for (const Slot::Occupant* occupant : {&a, &b}) {
      const Host* host = tables_.of<Host>().Find(occupant->device.host);
      if (host == nullptr || host->stale) return false;
      for (const UnitPathPtr& path : occupant->units) {
        if (path->facts.serial.empty() || HasLostAPath(path)) return false;
      }
    }
    for (const UnitPathPtr& x : a.units) {
      for (const UnitPathPtr& y : b.units) {
        if (x->unit == y->unit || x->facts.serial == y->facts.serial) return false;
      }
    }
    return true;
  }

  bool IsIn(const NodeKey& node) const {
    const Expander* expander = tables_.of<Expander>().Find(node);
    return expander != nullptr && expander->facts.enclosure == enclosure_;
  }

  // The node and the expanders above it in the enclosure.
  Chain ChainOf(NodeKey node) const {
    Chain chain = {node};
    while (!node.is_host() && IsIn(node) && chain.size() < kDeepest) {
      node = tables_.of<Expander>().Find(node)->facts.parent;
      if (node.is_host() || !IsIn(node)) break;
      chain.push_back(node);
    }
    return chain;
  }

  // The highest nodes over which one of the two is reached and the other is not.
  std::pair<std::optional<NodeKey>, std::optional<NodeKey>> Branches(const NodeKey& a,
                                                                     const NodeKey& b) const {
    Chain up_a = ChainOf(a), up_b = ChainOf(b);
    while (!up_a.empty() && !up_b.empty() && up_a.back() == up_b.back()) {
      up_a.pop_back();
      up_b.pop_back();
    }
    const auto last = [](const Chain& chain) {
      return chain.empty() ? std::nullopt : std::make_optional(chain.back());
    };
    return {last(up_a), last(up_b)};
  }

  using Devices = std::vector<const EndDevice*>;

  // The devices of the enclosure, by what they hang at, without those of stale hosts.
  const absl::btree_map<NodeKey, Devices>& Members() {
    if (members_) return *members_;
    members_.emplace();
    const Enclosure* enclosure = tables_.of<Enclosure>().Find(enclosure_);
    if (enclosure == nullptr) return *members_;
    for (const HostKey key : enclosure->hosts) {
      const Host* host = tables_.of<Host>().Find(key);
      if (host == nullptr || host->stale) continue;
      internal::VisitRange(
          tables_.of<EndDevice>(), NodeKey{key, SasAddress(0), PhysicalPort(0)},
          [&](const EndDevice& device) { return device.key().host == key; },
          [&](const std::shared_ptr<const EndDevice>& device) {
            if (device->facts.enclosure != enclosure_) return;
            (*members_)[device->facts.parent].push_back(device.get());
          });
    }
    return *members_;
  }

  // The branch with all nodes that its drives link to it. No branch: what hangs at `parent`.
  Group GroupOf(const std::optional<NodeKey>& branch, const NodeKey& parent) {
    Group group;
    Chain open;
    const auto add = [&](const NodeKey& node) {
      if (group.nodes.insert(node).second) open.push_back(node);
    };
    add(branch ? *branch : parent);
    for (const auto& [node, devices] : Members()) {
      const Chain chain = ChainOf(node);
      if (branch && std::find(chain.begin(), chain.end(), *branch) != chain.end()) add(node);
    }
    while (!open.empty()) {
      const auto devices = Members().find(open.back());
      open.pop_back();
      if (devices == Members().end()) continue;
      for (const EndDevice* device : devices->second) {
        for (const UnitPathPtr& path : device->units) {
          if (!group.units.insert(path->unit).second) continue;
          for (const EndDevice* other : DevicesOf(path->unit)) {
            if (other->facts.enclosure == enclosure_ && Members().contains(other->facts.parent)) {
              add(other->facts.parent);
            }
          }
        }
      }
    }
    return group;
  }

  Devices DevicesOf(const LogicalUnitKey& key) const {
    Devices devices;
    const LogicalUnit* unit = tables_.of<LogicalUnit>().Find(key);
    if (unit == nullptr) return devices;
    for (const LogicalUnit::Path& path : unit->paths) {
      const EndDevice* device = tables_.of<EndDevice>().Find(path.device);
      if (device != nullptr) devices.push_back(device);
    }
    return devices;
  }

  // Whether it is known where the node leads to: a stale host has what it had before a restart,
  // and without a name that may be wrong.
  bool IsKnown(NodeKey node) const {
    const Host* host = tables_.of<Host>().Find(node.host);
    if (host == nullptr || !host->stale) return host != nullptr;
    for (size_t i = 0; i < kDeepest; ++i) {
      if (copies_.At(enclosure_.value(), node)) return true;
      const Expander* expander = tables_.of<Expander>().Find(node);
      if (expander == nullptr) return false;
      node = expander->facts.parent;
    }
    return false;
  }

  // The other enclosure of this identifier in which a drive of the group is seen.
  std::optional<uint8_t> CopyElsewhere(const Group& group) const {
    for (const LogicalUnitKey& key : group.units) {
      for (const EndDevice* device : DevicesOf(key)) {
        const EnclosureKey there = device->facts.enclosure;
        if (there == enclosure_ || there.value() != enclosure_.value()) continue;
        if (IsKnown(device->facts.parent)) return there.copy();
      }
    }
    return std::nullopt;
  }

  const Tables& tables_;
  const EnclosureCopies& copies_;
  const EnclosureKey enclosure_;
  std::optional<absl::btree_map<NodeKey, Devices>> members_;  // once asked for
};

}  // namespace

std::optional<Separation> FindSeparation(const Tables& tables, const EnclosureCopies& copies,
                                         const Slot& slot, absl::Span<const NodeKey> before) {
  Evidence evidence(tables, copies, slot.id.enclosure);
  for (size_t i = 0; i < slot.occupants.size(); ++i) {
    for (size_t j = i + 1; j < slot.occupants.size(); ++j) {
      auto found = evidence.Between(slot.occupants[i], slot.occupants[j], before);
      if (found) return found;
    }
  }
  return std::nullopt;
}

}  // namespace sasd::registry
