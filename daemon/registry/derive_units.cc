#include <algorithm>
#include <utility>

#include "daemon/registry/derive.h"
#include "daemon/registry/merge.h"

namespace sasd::registry {
namespace {

constexpr uint8_t kEnclosureServices = 13;  // SPC peripheral device type

bool IsEnclosureServices(const EndDevice* device) {
  return device != nullptr &&
         std::any_of(device->units.begin(), device->units.end(), [](const UnitPathPtr& path) {
           return path->facts.peripheral_type == kEnclosureServices;
         });
}

// Whether logical units, slots and enclosures stay as they are.
bool LooksTheSame(const EndDevice& a, const EndDevice& b) {
  return a.facts.state == b.facts.state && a.facts.enclosure == b.facts.enclosure &&
         a.facts.slot == b.facts.slot && a.units == b.units && a.sources == b.sources;
}

// The hosts of `before`, including its lost ones, over which `now` has no path.
Boxed<HostList> LostHosts(const LogicalUnit& before, const LogicalUnit& now) {
  HostList lost;
  if (before.lost_hosts) lost = *before.lost_hosts.get();
  for (const LogicalUnit::Path& path : before.paths) lost.push_back(path.device.host);
  const auto is_reached = [&now](HostKey host) {
    return std::any_of(now.paths.begin(), now.paths.end(),
                       [host](const LogicalUnit::Path& path) { return path.device.host == host; });
  };
  lost.erase(std::remove_if(lost.begin(), lost.end(), is_reached), lost.end());
  if (lost.empty()) return Boxed<HostList>();
  std::sort(lost.begin(), lost.end());
  lost.erase(std::unique(lost.begin(), lost.end()), lost.end());
  return Boxed<HostList>(std::move(lost));
}

}  // namespace

void Deriver::CollectDevices() {
  for (const auto& [key, draft] : changes_.drafts<EndDevice>()) {
    CollectDevice(key, draft.before.get(), draft.after.get());
  }
}

void Deriver::CollectDevice(const NodeKey& key, const EndDevice* before, const EndDevice* after) {
  CountMembers(before, after);
  if (before != nullptr && after != nullptr && LooksTheSame(*before, *after)) return;
  const bool ses = IsEnclosureServices(before) || IsEnclosureServices(after);
  for (const EndDevice* device : {before, after}) {
    if (device == nullptr) continue;
    for (const UnitPathPtr& path : device->units) units_[path->unit].push_back(key);
    if (device->facts.enclosure == EnclosureKey(0)) continue;
    if (ses) enclosures_[device->facts.enclosure].push_back(key);
    if (device->facts.slot.has_value()) {
      slots_[{device->facts.enclosure, *device->facts.slot}].push_back(key);
    }
  }
}

void Deriver::CollectExpanders() {
  for (const auto& [key, draft] : changes_.drafts<Expander>()) {
    CountMembers(draft.before.get(), static_cast<const Expander*>(draft.after.get()));
  }
}

template <typename T>
void Deriver::CountMembers(const T* before, const T* after) {
  if (before != nullptr && after != nullptr && before->sources == after->sources &&
      before->facts.enclosure == after->facts.enclosure) {
    return;
  }
  if (after != nullptr) CountMember(*after, +1);
  if (before != nullptr) CountMember(*before, -1);
}

// Only the first and the last member of a host and source change the enclosure.
template <typename T>
void Deriver::CountMember(const T& member, int change) {
  const EnclosureKey enclosure = member.facts.enclosure;
  if (enclosure == EnclosureKey(0)) return;
  DerivedMemory::Members& members = memory_.members[enclosure];
  for (const Source source : member.sources) {
    const auto it = members.try_emplace({member.facts.key.host, source}).first;
    const bool was = it->second > 0;
    it->second += change;
    const bool is = it->second > 0;
    if (was != is) enclosures_[enclosure];
    if (!is) members.erase(it);
  }
  if (members.empty()) memory_.members.erase(enclosure);
}

bool Deriver::IsStale(HostKey host) const {
  const Host* found = changes_.Find<Host>(host);
  return found != nullptr && found->stale;
}

void Deriver::DeriveUnit(const LogicalUnitKey& key, Devices touched) {
  const LogicalUnit* old = changes_.Find<LogicalUnit>(key);
  if (old != nullptr) {
    for (const LogicalUnit::Path& path : old->paths) touched.push_back(path.device);
  }
  LogicalUnit unit;
  unit.id = old == nullptr ? key : old->id;
  size_t sure_paths = 0;  // those of stale hosts may be gone
  for (const NodeKey& node : Unique(std::move(touched))) {
    const EndDevice* device = changes_.Find<EndDevice>(node);
    if (device == nullptr) continue;
    for (const UnitPathPtr& path : device->units) {
      if (path->unit != key) continue;
      unit.paths.push_back({node, path, device->facts.state});
      if (!IsStale(node.host)) ++sure_paths;
      AddPathFields(path->facts, unit);
      unit.sources.Add(path->sources);
      if (unit.enclosure == EnclosureKey(0)) {
        unit.enclosure = device->facts.enclosure;
        unit.slot = device->facts.slot;
      }
    }
  }
  if (unit.paths.empty()) {
    changes_.Remove<LogicalUnit>(key);
    return;
  }
  LogicalUnit& edited = changes_.Edit<LogicalUnit>(unit.id);
  unit.stamp = edited.stamp;
  unit.most_paths =
      std::max(edited.most_paths, static_cast<uint8_t>(std::min<size_t>(sure_paths, 255)));
  unit.lost_hosts = LostHosts(edited, unit);
  edited = std::move(unit);
}

}  // namespace sasd::registry
