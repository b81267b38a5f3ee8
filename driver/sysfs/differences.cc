#include "driver/sysfs/differences.h"

#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "driver/observation/keys.h"

namespace sasd::sysfs {
namespace {

// The subject of an observation: its kind (the variant's index), a node and a number beneath it. Of
// enclosures and slots the node is the place that shows them.
struct Subject {
  size_t kind;
  NodeKey node;
  uint64_t number;
  EnclosureKey enclosure;

  friend bool operator==(const Subject& a, const Subject& b) {
    return a.kind == b.kind && a.node == b.node && a.number == b.number &&
           a.enclosure == b.enclosure;
  }
  template <typename H>
  friend H AbslHashValue(H h, const Subject& s) {
    return H::combine(std::move(h), s.kind, s.node, s.number, s.enclosure);
  }
};

using NodeAndNumber = std::pair<NodeKey, uint64_t>;

struct SubjectOf {
  NodeAndNumber operator()(const HostFacts& f) const { return {NodeKey::Host(f.key), 0}; }
  NodeAndNumber operator()(const DiscoveryFacts& f) const { return {NodeKey::Host(f.host), 0}; }
  NodeAndNumber operator()(const PhyFacts& f) const { return {f.key.owner, f.key.phy.value()}; }
  NodeAndNumber operator()(const PortFacts& f) const {
    return {f.key.owner, f.key.attached.value()};
  }
  NodeAndNumber operator()(const ExpanderFacts& f) const { return {f.key, 0}; }
  NodeAndNumber operator()(const EndDeviceFacts& f) const { return {f.key, 0}; }
  NodeAndNumber operator()(const LogicalUnitFacts& f) const { return {f.device, f.lun}; }
  NodeAndNumber operator()(const EnclosureFacts& f) const {
    return {NodeKey{f.host, f.place.address, f.place.port}, 0};
  }
  NodeAndNumber operator()(const SlotFacts& f) const { return {f.place, f.key.slot}; }
  // A reading holds none of these.
  NodeAndNumber operator()(const Notice&) const { return {}; }
  NodeAndNumber operator()(const HostGone&) const { return {}; }
  NodeAndNumber operator()(const ExpanderGone&) const { return {}; }
  NodeAndNumber operator()(const EndDeviceGone&) const { return {}; }
  NodeAndNumber operator()(const LogicalUnitGone&) const { return {}; }
  NodeAndNumber operator()(const EnclosureGone&) const { return {}; }
};

Subject Of(const Observation& observation) {
  auto [node, number] = std::visit(SubjectOf(), observation);
  Subject subject{observation.index(), node, number, EnclosureKey()};
  if (const auto* enclosure = std::get_if<EnclosureFacts>(&observation)) {
    subject.enclosure = enclosure->key;
  } else if (const auto* slot = std::get_if<SlotFacts>(&observation)) {
    subject.enclosure = slot->key.enclosure;
  }
  return subject;
}

bool Same(const Observation& a, const Observation& b) {
  return std::visit(
      [&](const auto& facts) {
        using Facts = std::decay_t<decltype(facts)>;
        if constexpr (std::is_same_v<Facts, HostGone> || std::is_same_v<Facts, ExpanderGone> ||
                      std::is_same_v<Facts, EndDeviceGone> ||
                      std::is_same_v<Facts, LogicalUnitGone> ||
                      std::is_same_v<Facts, EnclosureGone>) {
          return false;
        } else {
          return facts == std::get<Facts>(b);
        }
      },
      a);
}

using Index = absl::flat_hash_map<Subject, const Observation*>;

Index IndexOf(const std::vector<Observation>& observations) {
  Index index;
  index.reserve(observations.size());
  for (const Observation& o : observations) index.emplace(Of(o), &o);
  return index;
}

std::optional<Observation> GoingOf(const Observation& observation, const Index& after) {
  if (const auto* unit = std::get_if<LogicalUnitFacts>(&observation)) {
    EndDeviceFacts device;
    device.key = unit->device;
    if (!after.contains(Of(device))) return std::nullopt;
    return LogicalUnitGone{unit->device, unit->lun};
  }
  if (const auto* device = std::get_if<EndDeviceFacts>(&observation)) {
    return EndDeviceGone{device->key};
  }
  if (const auto* expander = std::get_if<ExpanderFacts>(&observation)) {
    return ExpanderGone{expander->key};
  }
  if (const auto* enclosure = std::get_if<EnclosureFacts>(&observation)) {
    return EnclosureGone{enclosure->key, enclosure->host, enclosure->place};
  }
  return std::nullopt;
}

}  // namespace

std::vector<Observation> Differences(const std::vector<Observation>& before,
                                     const std::vector<Observation>& after) {
  const Index old_index = IndexOf(before), new_index = IndexOf(after);
  std::vector<Observation> out;
  // Enclosures that lost a slot: all of them is reported again.
  absl::flat_hash_set<std::pair<EnclosureKey, NodeKey>> shrunken;
  for (auto it = before.rbegin(); it != before.rend(); ++it) {
    if (new_index.contains(Of(*it))) continue;
    if (std::optional<Observation> gone = GoingOf(*it, new_index)) out.push_back(*gone);
    if (const auto* slot = std::get_if<SlotFacts>(&*it)) {
      shrunken.insert({slot->key.enclosure, slot->place});
    }
  }
  for (const Observation& observation : after) {
    const auto* enclosure = std::get_if<EnclosureFacts>(&observation);
    if (enclosure == nullptr || !shrunken.contains({enclosure->key, enclosure->place})) continue;
    out.push_back(EnclosureGone{enclosure->key, enclosure->host, enclosure->place});
  }
  const auto is_of_shrunken = [&](const Observation& observation) {
    if (const auto* enclosure = std::get_if<EnclosureFacts>(&observation)) {
      return shrunken.contains({enclosure->key, enclosure->place});
    }
    const auto* slot = std::get_if<SlotFacts>(&observation);
    return slot != nullptr && shrunken.contains({slot->key.enclosure, slot->place});
  };
  for (const Observation& observation : after) {
    const auto it = old_index.find(Of(observation));
    if (it == old_index.end() || !Same(*it->second, observation) || is_of_shrunken(observation)) {
      out.push_back(observation);
    }
  }
  return out;
}

}  // namespace sasd::sysfs
