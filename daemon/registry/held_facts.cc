#include "daemon/registry/held_facts.h"

#include <type_traits>
#include <variant>

namespace sasd::registry {
namespace {

template <typename Facts>
constexpr size_t KindOf() {
  return Observation(Facts()).index();
}

struct ObjectVisitor {
  using Object = std::pair<NodeKey, uint64_t>;
  Object operator()(const HostFacts& f) const { return {NodeKey::Host(f.key), 0}; }
  Object operator()(const DiscoveryFacts& f) const { return {NodeKey::Host(f.host), 0}; }
  Object operator()(const PhyFacts& f) const { return {f.key.owner, f.key.phy.value()}; }
  Object operator()(const PortFacts& f) const { return {f.key.owner, f.key.attached.value()}; }
  Object operator()(const ExpanderFacts& f) const { return {f.key, 0}; }
  Object operator()(const EndDeviceFacts& f) const { return {f.key, 0}; }
  Object operator()(const LogicalUnitFacts& f) const { return {f.device, f.lun}; }
  Object operator()(const EnclosureFacts& f) const {
    return {NodeKey{f.host, SasAddress(), PhysicalPort(f.key.copy())}, f.key.value()};
  }
  Object operator()(const SlotFacts& f) const {
    return {EnclosureNode(f.key.enclosure), f.key.slot};
  }
  template <typename Other>
  Object operator()(const Other&) const {
    return {NodeKey(), 0};
  }
  static NodeKey EnclosureNode(EnclosureKey enclosure) {
    return NodeKey{HostKey(SasAddress(enclosure.value())), SasAddress(),
                   PhysicalPort(enclosure.copy())};
  }
};

bool IsOnItsWay(DeviceState state) {
  return state == DeviceState::kDiscovered || state == DeviceState::kAttaching;
}

}  // namespace

void HeldFacts::AddBaseExpander(const NodeKey& expander, SourceSet sources) {
  Node& node = nodes_[{false, expander}];
  node.in_base = true;
  node.before = sources;
  ++missing_;
}

void HeldFacts::AddBaseDevice(const NodeKey& device, SourceSet sources, bool moving) {
  Node& node = nodes_[{true, device}];
  node.in_base = true;
  node.before = sources;
  node.was_moving = moving;
  ++missing_;
}

HeldFacts::FactId HeldFacts::IdOf(Source source, const Observation& observation) {
  const auto [node, number] = std::visit(ObjectVisitor(), observation);
  NodeKey place;
  if (const auto* enclosure = std::get_if<EnclosureFacts>(&observation)) place = enclosure->place;
  if (const auto* slot = std::get_if<SlotFacts>(&observation)) place = slot->place;
  return {source, observation.index(), node, number, place};
}

bool HeldFacts::IsMoving(const Node& node) const {
  if (node.was_moving || node.reported_by.empty()) return false;
  const bool has_fabric = node.reported_by.HasAny(table_.fabric());
  const bool has_system = node.reported_by.HasAny(table_.operating_system());
  if (!has_fabric && !has_system) return false;
  // It may leave, or come back.
  if (has_fabric && node.fabric == DeviceState::kBlocked) return true;
  if (has_system && node.system == DeviceState::kBlocked) return true;
  DeviceState state = has_fabric ? node.fabric : node.system;
  if (has_fabric && has_system && IsOnItsWay(state)) state = node.system;
  return IsOnItsWay(state) || state == DeviceState::kRemoving;
}

bool HeldFacts::IsHalfGone(const Node& node) const {
  if (node.was_moving || node.reported_by.empty()) return false;
  const auto has_both = [this](SourceSet sources) {
    return sources.HasAny(table_.fabric()) && sources.HasAny(table_.operating_system());
  };
  return has_both(node.before) && !has_both(node.reported_by);
}

void HeldFacts::Count(const NodeId& id, int sign) {
  const auto it = nodes_.find(id);
  if (it == nodes_.end()) return;
  if (it->second.in_base && it->second.reported_by.empty()) missing_ += sign;
  if (id.first && IsMoving(it->second)) moving_ += sign;
  if (IsHalfGone(it->second)) half_gone_ += sign;
}

void HeldFacts::Take(Source source, Observation observation) {
  const bool is_fact = std::visit(
      [&](const auto& one) {
        using T = std::decay_t<decltype(one)>;
        constexpr bool kIsGone = std::is_same_v<T, HostGone> || std::is_same_v<T, ExpanderGone> ||
                                 std::is_same_v<T, EndDeviceGone> ||
                                 std::is_same_v<T, LogicalUnitGone> ||
                                 std::is_same_v<T, EnclosureGone>;
        if constexpr (kIsGone) Forget(source, one);
        constexpr bool kIsNode =
            std::is_same_v<T, ExpanderFacts> || std::is_same_v<T, EndDeviceFacts>;
        if constexpr (kIsNode) {
          const NodeId id{std::is_same_v<T, EndDeviceFacts>, one.key};
          Node& node = nodes_[id];
          Count(id, -1);
          node.reported_by.Add(source);
          if constexpr (std::is_same_v<T, EndDeviceFacts>) {
            if (table_.fabric().Has(source)) node.fabric = one.state;
            if (table_.operating_system().Has(source)) node.system = one.state;
          }
          Count(id, +1);
        }
        return !kIsGone && !std::is_same_v<T, Notice>;
      },
      observation);
  if (!is_fact) return;
  const FactId id = IdOf(source, observation);
  const auto known = by_id_.find(id);
  // It keeps its place: a unit comes after its device.
  if (known != by_id_.end()) {
    known->second->observation = std::move(observation);
    return;
  }
  by_id_[id] = entries_.insert(entries_.end(), {source, std::move(observation)});
}

template <typename Facts>
const Facts* HeldFacts::Find(Source source, const NodeKey& node) const {
  const auto it = by_id_.find({source, KindOf<Facts>(), node, 0, NodeKey()});
  return it == by_id_.end() ? nullptr : std::get_if<Facts>(&it->second->observation);
}

void HeldFacts::Erase(const FactId& id) {
  const auto it = by_id_.find(id);
  if (it == by_id_.end()) return;
  const size_t kind = std::get<1>(id);
  if (kind == KindOf<ExpanderFacts>() || kind == KindOf<EndDeviceFacts>()) {
    const NodeId node{kind == KindOf<EndDeviceFacts>(), std::get<2>(id)};
    Count(node, -1);
    nodes_[node].reported_by.Remove(std::get<0>(id));
    Count(node, +1);
  }
  entries_.erase(it->second);
  by_id_.erase(it);
}

template <typename Facts>
void HeldFacts::EraseAll(Source source, const NodeKey& node) {
  const FactId first{source, KindOf<Facts>(), node, 0, NodeKey()};
  std::vector<FactId> ids;
  for (auto it = by_id_.lower_bound(first); it != by_id_.end(); ++it) {
    const FactId& id = it->first;
    if (std::get<0>(id) != source || std::get<1>(id) != KindOf<Facts>() ||
        std::get<2>(id) != node) {
      break;
    }
    ids.push_back(id);
  }
  for (const FactId& id : ids) Erase(id);
}

void HeldFacts::EraseAll(Source source) {
  std::vector<FactId> ids;
  for (const auto& [id, entry] : by_id_) {
    if (std::get<0>(id) == source) ids.push_back(id);
  }
  for (const FactId& id : ids) Erase(id);
}

void HeldFacts::ErasePortTo(Source source, const NodeKey& parent, SasAddress address) {
  Erase({source, KindOf<PortFacts>(), parent, address.value(), NodeKey()});
}

void HeldFacts::Forget(Source source, const HostGone&) { EraseAll(source); }

void HeldFacts::Forget(Source source, const ExpanderGone& gone) {
  const auto* expander = Find<ExpanderFacts>(source, gone.key);
  if (expander != nullptr) ErasePortTo(source, expander->parent, gone.key.address);
  EraseAll<PhyFacts>(source, gone.key);
  EraseAll<PortFacts>(source, gone.key);
  EraseAll<ExpanderFacts>(source, gone.key);
}

void HeldFacts::Forget(Source source, const EndDeviceGone& gone) {
  const auto* device = Find<EndDeviceFacts>(source, gone.key);
  if (device != nullptr) ErasePortTo(source, device->parent, gone.key.address);
  EraseAll<LogicalUnitFacts>(source, gone.key);
  EraseAll<EndDeviceFacts>(source, gone.key);
}

void HeldFacts::Forget(Source source, const LogicalUnitGone& gone) {
  Erase({source, KindOf<LogicalUnitFacts>(), gone.device, gone.lun, NodeKey()});
}

void HeldFacts::Forget(Source source, const EnclosureGone& gone) {
  Erase({source, KindOf<EnclosureFacts>(),
         NodeKey{gone.host, SasAddress(), PhysicalPort(gone.key.copy())}, gone.key.value(),
         gone.place});
  const NodeKey enclosure = ObjectVisitor::EnclosureNode(gone.key);
  std::vector<FactId> slots;
  for (auto it = by_id_.lower_bound({source, KindOf<SlotFacts>(), enclosure, 0, NodeKey()});
       it != by_id_.end() && std::get<0>(it->first) == source &&
       std::get<1>(it->first) == KindOf<SlotFacts>() && std::get<2>(it->first) == enclosure;
       ++it) {
    if (std::get<4>(it->first) == gone.place) slots.push_back(it->first);
  }
  for (const FactId& id : slots) Erase(id);
}

std::vector<ObservationBatch> HeldFacts::TakeBatches() {
  std::vector<ObservationBatch> batches;
  for (Entry& entry : entries_) {
    if (batches.empty() || batches.back().source != entry.source) {
      batches.emplace_back();
      batches.back().source = entry.source;
    }
    batches.back().observations.push_back(std::move(entry.observation));
  }
  entries_.clear();
  by_id_.clear();
  return batches;
}

}  // namespace sasd::registry
