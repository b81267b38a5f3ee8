#include "driver/sysfs/upward_phys.h"

#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"

namespace sasd::sysfs {
namespace {

using Parents = absl::flat_hash_map<NodeKey, NodeKey>;

Parents ParentsOf(const HostReading& reading) {
  Parents parents;
  for (const Observation& observation : reading.observations) {
    const auto* expander = std::get_if<ExpanderFacts>(&observation);
    if (expander != nullptr) parents[expander->key] = expander->parent;
  }
  return parents;
}

// Whether the phy leads from its expander to the expander's parent.
bool LeadsUp(const PhyFacts& phy, const Parents& parents) {
  const auto parent = parents.find(phy.key.owner);
  return parent != parents.end() && phy.attached == parent->second.address;
}

}  // namespace

void KeepUpwardPhys(const HostReading& before, HostReading& now) {
  const Parents parents = ParentsOf(now), old_parents = ParentsOf(before);
  if (parents.empty()) return;
  absl::flat_hash_map<NodeKey, absl::flat_hash_set<PhyId>> upward;  // before
  for (const Observation& observation : before.observations) {
    const auto* phy = std::get_if<PhyFacts>(&observation);
    if (phy != nullptr && LeadsUp(*phy, old_parents)) upward[phy->key.owner].insert(phy->key.phy);
  }
  absl::flat_hash_map<PortKey, size_t> widths;                // now
  absl::flat_hash_map<NodeKey, std::vector<PhyFacts*>> free;  // now; those that may lead up
  for (Observation& observation : now.observations) {
    if (const auto* port = std::get_if<PortFacts>(&observation)) widths[port->key] = port->width;
    auto* phy = std::get_if<PhyFacts>(&observation);
    if (phy == nullptr || !IsLinkUp(phy->negotiated) || phy->key.owner.is_host()) continue;
    if (phy->attached == SasAddress() || LeadsUp(*phy, parents)) {
      free[phy->key.owner].push_back(phy);
    }
  }
  for (auto& [expander, phys] : free) {
    const auto parent = parents.find(expander), old_parent = old_parents.find(expander);
    if (parent == parents.end() || old_parent == old_parents.end()) continue;
    if (parent->second != old_parent->second) continue;
    const absl::flat_hash_set<PhyId>& known = upward[expander];
    size_t still = 0;
    for (const PhyFacts* phy : phys) still += known.count(phy->key.phy);
    const auto width = widths.find({parent->second, expander.address});
    if (known.empty() || still != known.size()) continue;
    if (width == widths.end() || width->second != known.size()) continue;
    for (PhyFacts* phy : phys) {
      phy->attached = known.contains(phy->key.phy) ? parent->second.address : SasAddress();
    }
  }
}

}  // namespace sasd::sysfs
