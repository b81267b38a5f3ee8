#include "daemon/registry/enclosure_evidence.h"

#include <algorithm>
#include <utility>
#include <vector>

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
                                    absl::Span<const NodeKey> before) const {
    if (!AreTwoDrives(a, b)) return std::nullopt;
    const EndDevice* device_a = tables_.of<EndDevice>().Find(a.device);
    const EndDevice* device_b = tables_.of<EndDevice>().Find(b.device);
    if (device_a == nullptr || device_b == nullptr) return std::nullopt;
    const auto [node_a, node_b] = Branches(device_a->facts.parent, device_b->facts.parent);
    if (!node_a && !node_b) return std::nullopt;
    const auto units_a = UnitsOver(node_a, a.device.host);
    const auto units_b = UnitsOver(node_b, b.device.host);
    for (const LogicalUnitKey& unit : units_a) {
      if (units_b.contains(unit)) return std::nullopt;
    }
    const auto was_here = [before](const Slot::Occupant& occupant) {
      return std::find(before.begin(), before.end(), occupant.device) != before.end();
    };
    bool move_b = node_b.has_value();
    if (node_a && node_b) {
      move_b = was_here(a) != was_here(b) ? was_here(a) : *node_a < *node_b;
    }
    const std::optional<uint8_t> copy = CopyOf(move_b ? units_b : units_a);
    if (!copy) return std::nullopt;
    return Separation{enclosure_, move_b ? *node_b : *node_a, *copy};
  }

 private:
  using Units = absl::btree_set<LogicalUnitKey>;

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

  // The units of the enclosure that are reached over the node. None: of no branch.
  Units UnitsOver(const std::optional<NodeKey>& node, const HostKey& host) const {
    Units units;
    if (!node) return units;
    internal::VisitRange(
        tables_.of<EndDevice>(), NodeKey{host, SasAddress(0), PhysicalPort(0)},
        [&](const EndDevice& device) { return device.key().host == host; },
        [&](const std::shared_ptr<const EndDevice>& device) {
          if (device->facts.enclosure != enclosure_) return;
          const Chain chain = ChainOf(device->facts.parent);
          if (std::find(chain.begin(), chain.end(), *node) == chain.end()) return;
          for (const UnitPathPtr& path : device->units) units.insert(path->unit);
        });
    return units;
  }

  std::optional<uint8_t> CopyOf(const Units& units) const {
    for (const LogicalUnitKey& key : units) {
      const LogicalUnit* unit = tables_.of<LogicalUnit>().Find(key);
      if (unit == nullptr) continue;
      for (const LogicalUnit::Path& path : unit->paths) {
        const EndDevice* device = tables_.of<EndDevice>().Find(path.device);
        if (device == nullptr || device->facts.enclosure == enclosure_) continue;
        if (device->facts.enclosure.value() != enclosure_.value()) continue;
        return device->facts.enclosure.copy();
      }
    }
    return copies_.Free(enclosure_.value());
  }

  const Tables& tables_;
  const EnclosureCopies& copies_;
  const EnclosureKey enclosure_;
};

}  // namespace

std::optional<Separation> FindSeparation(const Tables& tables, const EnclosureCopies& copies,
                                         const Slot& slot, absl::Span<const NodeKey> before) {
  const Evidence evidence(tables, copies, slot.id.enclosure);
  for (size_t i = 0; i < slot.occupants.size(); ++i) {
    for (size_t j = i + 1; j < slot.occupants.size(); ++j) {
      auto found = evidence.Between(slot.occupants[i], slot.occupants[j], before);
      if (found) return found;
    }
  }
  return std::nullopt;
}

}  // namespace sasd::registry
