#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "daemon/registry/derive.h"
#include "daemon/registry/merge.h"
#include "daemon/registry/unit_group.h"

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

// Whether the path is of another unit now: it never was one of this unit.
bool IsAnothers(const LogicalUnit::Path& path, const LogicalUnitKey& unit,
                const EndDevice* device) {
  if (device == nullptr) return false;
  const auto it = std::find_if(device->units.begin(), device->units.end(), [&](const auto& now) {
    return now->facts.lun == path.facts->facts.lun;
  });
  return it != device->units.end() && (*it)->unit != unit &&
         (*it)->facts.wwid == path.facts->facts.wwid;
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
    for (const UnitPathPtr& path : device->units) {
      (path->facts.wwid.empty() ? units_[path->unit] : groups_[path->facts.wwid]).push_back(key);
    }
    if (device->facts.enclosure == EnclosureKey(0)) continue;
    if (ses) enclosures_[device->facts.enclosure].push_back(key);
    if (device->facts.slot.has_value()) {
      slots_[{device->facts.enclosure, *device->facts.slot}].push_back(key);
    }
  }
}

void Deriver::CollectExpanders() {
  for (const auto& [key, draft] : changes_.drafts<Expander>()) {
    const Expander* const before = draft.before.get();
    const Expander* const after = draft.after.get();
    CountMembers(before, after);
    const EnclosureKey was = before == nullptr ? EnclosureKey(0) : before->facts.enclosure;
    const EnclosureKey is = after == nullptr ? EnclosureKey(0) : after->facts.enclosure;
    if (was == is) continue;
    for (const EnclosureKey enclosure : {was, is}) {
      if (enclosure != EnclosureKey(0)) enclosures_[enclosure].push_back(key);
    }
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

void Deriver::DeriveFallback(const LogicalUnitKey& key, Devices touched) {
  const LogicalUnit* old = changes_.Find<LogicalUnit>(key);
  if (old != nullptr) {
    for (const LogicalUnit::Path& path : old->paths) touched.push_back(path.device);
  }
  std::vector<Member> members;
  for (const NodeKey& node : Unique(std::move(touched))) {
    const EndDevice* device = changes_.Find<EndDevice>(node);
    if (device == nullptr) continue;
    for (const UnitPathPtr& path : device->units) {
      if (path->unit == key) members.push_back({device, path});
    }
  }
  DeriveUnit(key, members, Text());
}

void Deriver::DeriveGroup(const Text& wwid, Devices touched) {
  std::vector<std::shared_ptr<const LogicalUnit>> before;
  const LogicalUnitKey plain = LogicalUnitKey::Plain(wwid);
  if (auto unit = changes_.of<LogicalUnit>().Get(plain)) before.push_back(std::move(unit));
  const LogicalUnitKey first_other = plain.WithDiscriminator("");
  internal::VisitRange(
      changes_.of<LogicalUnit>(), first_other,
      [&](const LogicalUnit& unit) {
        return absl::StartsWith(unit.id.text().view(), first_other.text().view());
      },
      [&](const std::shared_ptr<const LogicalUnit>& unit) { before.push_back(unit); });

  std::vector<GroupUnit> units;
  absl::flat_hash_map<std::pair<NodeKey, uint64_t>, LogicalUnitKey> unit_before;
  for (const auto& unit : before) {
    units.push_back({unit->id, unit->identity});
    for (const LogicalUnit::Path& path : unit->paths) {
      touched.push_back(path.device);
      unit_before[{path.device, path.facts->facts.lun}] = unit->id;
    }
  }
  std::vector<Member> members;
  std::vector<GroupPath> paths;
  for (const NodeKey& node : Unique(std::move(touched))) {
    const EndDevice* device = changes_.Find<EndDevice>(node);
    if (device == nullptr) continue;
    const uint8_t target = device->facts.protocols.target;
    const bool one_port =
        (target & (Protocols::kSata | Protocols::kStp)) != 0 && (target & Protocols::kSsp) == 0;
    for (const UnitPathPtr& path : device->units) {
      if (path->facts.wwid != wwid) continue;
      members.push_back({device, path});
      const auto it = unit_before.find({node, path->facts.lun});
      paths.push_back({node, path->facts.lun, IdentityOf(path->facts),
                       it == unit_before.end() ? LogicalUnitKey() : it->second,
                       device->facts.enclosure, device->facts.slot, one_port});
    }
  }
  const auto reserved = memory_.reserved.find(wwid);
  const std::vector<GroupName> names =
      NameUnits(wwid, paths, units, reserved == memory_.reserved.end() ? Text() : reserved->second);

  absl::btree_map<LogicalUnitKey, std::pair<std::vector<Member>, Text>> now;
  for (size_t i = 0; i < members.size(); ++i) {
    SetUnit(members[i], names[i].key);
    auto& unit = now[names[i].key];
    unit.second = names[i].identity;
  }
  // A device that was edited is another object now.
  for (size_t i = 0; i < members.size(); ++i) {
    members[i].device = changes_.Find<EndDevice>(paths[i].device);
    now[names[i].key].first.push_back(std::move(members[i]));
  }
  for (const auto& unit : before) {
    if (now.contains(unit->id)) continue;
    if (unit->id == plain) memory_.Reserve(wwid, unit->identity);
    changes_.Remove<LogicalUnit>(unit->id);
  }
  if (now.contains(plain)) memory_.reserved.erase(wwid);
  for (const auto& [key, unit] : now) DeriveUnit(key, unit.first, unit.second);
}

void Deriver::SetUnit(Member& member, const LogicalUnitKey& key) {
  if (member.path->unit == key) return;
  const NodeKey device = member.device->key();
  const EndDeviceRecord& facts = member.device->facts;
  if (facts.enclosure != EnclosureKey(0) && facts.slot) {
    slots_[{facts.enclosure, *facts.slot}].push_back(device);
  }
  auto path = std::make_shared<UnitPath>(*member.path);
  path->unit = key;
  auto& units = changes_.Edit<EndDevice>(device).units;
  *std::find(units.begin(), units.end(), member.path) = path;
  member.path = std::move(path);
}

void Deriver::DeriveUnit(const LogicalUnitKey& key, const std::vector<Member>& members,
                         Text identity) {
  if (members.empty()) return changes_.Remove<LogicalUnit>(key);
  const LogicalUnit* old = changes_.Find<LogicalUnit>(key);
  LogicalUnit unit;
  unit.id = old == nullptr ? key : old->id;
  unit.wwid = members.front().path->facts.wwid;
  unit.identity = old != nullptr && identity.empty() ? old->identity : std::move(identity);
  size_t sure_paths = 0;  // those of stale hosts may be gone
  for (const Member& member : members) {
    const EndDevice& device = *member.device;
    unit.paths.push_back({device.key(), member.path, device.facts.state});
    if (!IsStale(device.key().host)) ++sure_paths;
    AddPathFields(member.path->facts, unit);
    unit.sources.Add(member.path->sources);
    if (unit.enclosure == EnclosureKey(0)) {
      unit.enclosure = device.facts.enclosure;
      unit.slot = device.facts.slot;
    }
  }
  LogicalUnit& edited = changes_.Edit<LogicalUnit>(unit.id);
  const auto moved =
      std::remove_if(edited.paths.begin(), edited.paths.end(), [&](const LogicalUnit::Path& path) {
        return IsAnothers(path, key, changes_.Find<EndDevice>(path.device));
      });
  const auto moved_count = static_cast<size_t>(edited.paths.end() - moved);
  edited.paths.erase(moved, edited.paths.end());
  const size_t most = edited.most_paths - std::min<size_t>(edited.most_paths, moved_count);
  unit.stamp = edited.stamp;
  unit.slot_label = edited.slot_label;
  unit.most_paths = static_cast<uint8_t>(std::max(most, std::min<size_t>(sure_paths, 255)));
  unit.lost_hosts = LostHosts(edited, unit);
  edited = std::move(unit);
}

}  // namespace sasd::registry
