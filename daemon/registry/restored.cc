#include "daemon/registry/restored.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/registry/merge.h"

namespace sasd::registry {
namespace {

// As if each of the sources had reported `facts`.
template <typename Facts>
BySource<Facts> Spread(const SourceTable& table, SourceSet sources, const Facts& facts) {
  if (sources.empty() || IsOneReport(table, sources)) return {};
  ReportSet<Facts> reports;
  for (const Source source : sources) reports.Set(source, facts);
  return BySource<Facts>(std::move(reports));
}

absl::Status Contradiction(const ResourceId& id, absl::string_view what) {
  return absl::DataLossError(absl::StrCat(Describe(id), " ", what));
}

}  // namespace

void RestoredBuilder::Fail(absl::Status status) { status_.Update(status); }

template <typename T>
void RestoredBuilder::Put(T resource) {
  restored_.tables.of<T>().Put(std::make_shared<const T>(std::move(resource)));
}

template <typename T>
void RestoredBuilder::CheckSources(const T& resource, SourceSet sources) {
  if (table_.all().HasAll(sources) && table_.proving().HasAny(sources)) return;
  Fail(Contradiction(MakeId<T>(resource.key()), "has no source that this sasd has"));
}

template <typename T>
void RestoredBuilder::CountMember(const T& node) {
  const EnclosureKey enclosure = node.facts.enclosure;
  if (enclosure == EnclosureKey(0)) return;
  restored_.memory.CountMember(enclosure, node.facts.key.host, node.sources);
}

void RestoredBuilder::Add(Host host) {
  CheckSources(host, host.sources);
  host.by_source = Spread(table_, host.sources, host.facts);
  for (const Source source : host.sources) host.discovery_by_source.Set(source, host.discovery);
  Put(std::move(host));
}

void RestoredBuilder::Add(Phy phy) {
  CheckSources(phy, phy.sources);
  phy.by_source = Spread(table_, phy.sources, phy.facts);
  Put(std::move(phy));
}

void RestoredBuilder::Add(Port port) {
  CheckSources(port, port.sources);
  const bool counted = port.phys.empty();
  if (counted) port.facts.width = port.width;
  if (counted || !port.facts.os_name.empty()) port.reported_by = port.sources;
  port.by_source = Spread(table_, port.reported_by, port.facts);
  Put(std::move(port));
}

void RestoredBuilder::Add(Expander expander) {
  CheckSources(expander, expander.sources);
  expander.by_source = Spread(table_, expander.sources, expander.facts);
  CountMember(expander);
  Put(std::move(expander));
}

void RestoredBuilder::Add(EndDevice device) {
  CheckSources(device, device.sources);
  device.by_source = Spread(table_, device.sources, device.facts);
  CountMember(device);
  const NodeKey key = device.key();
  devices_[key] = std::move(device);
}

void RestoredBuilder::Add(LogicalUnit unit) {
  CheckSources(unit, unit.sources);
  units_.push_back(std::move(unit));
}

void RestoredBuilder::Add(Enclosure enclosure) {
  CheckSources(enclosure, enclosure.sources);
  const EnclosureKey key = enclosure.id;
  enclosures_[key] = std::move(enclosure);
}

void RestoredBuilder::Add(Slot slot) {
  CheckSources(slot, slot.sources);
  slots_.push_back(std::move(slot));
}

// End device and logical unit share each path.
void RestoredBuilder::LinkUnits() {
  absl::flat_hash_map<NodeKey, std::vector<std::shared_ptr<UnitPath>>> paths_of;
  for (LogicalUnit& unit : units_) {
    unit.identity = IdentityOf(unit);
    for (LogicalUnit::Path& path : unit.paths) {
      const auto device = devices_.find(path.device);
      if (device == devices_.end()) {
        return Fail(Contradiction(
            MakeId<LogicalUnit>(unit.id),
            absl::StrCat("is behind an unknown ", Describe(MakeId<EndDevice>(path.device)))));
      }
      auto shared = std::make_shared<UnitPath>(*path.facts);
      const SourceSet both = unit.sources & device->second.sources;
      shared->sources = table_.proving().HasAny(both) ? both : unit.sources;
      paths_of[path.device].push_back(shared);
      path.facts = std::move(shared);
    }
  }
  for (auto& [key, device] : devices_) LinkDevice(device, std::move(paths_of[key]));
  for (LogicalUnit& unit : units_) Put(std::move(unit));
  for (const auto& [key, device] : devices_) Put(device);
}

void RestoredBuilder::LinkDevice(EndDevice& device, std::vector<std::shared_ptr<UnitPath>> paths) {
  const auto by_lun = [](const auto& a, const auto& b) { return a->facts.lun < b->facts.lun; };
  std::sort(paths.begin(), paths.end(), by_lun);
  const bool same = std::equal(paths.begin(), paths.end(), device.units.begin(), device.units.end(),
                               [](const auto& a, const auto& b) { return a->unit == b->unit; });
  if (!same || std::adjacent_find(paths.begin(), paths.end(), [&](const auto& a, const auto& b) {
                 return !by_lun(a, b);
               }) != paths.end()) {
    return Fail(Contradiction(MakeId<EndDevice>(device.key()),
                              "does not have the logical units that name it"));
  }
  if (!paths.empty()) {
    const UnitRecord& shown = device.units[0]->facts;
    UnitRecord& first = paths[0]->facts;
    if (shown.vendor.empty() && shown.model.empty()) first.revision = Text();
    first.vendor = shown.vendor;
    first.model = shown.model;
    first.serial = shown.serial;
    first.peripheral_type = shown.peripheral_type;
    first.block_device = shown.block_device;
    first.scsi_address = shown.scsi_address;
  }
  device.units.clear();
  for (auto& path : paths) {
    path->by_source = Spread(table_, path->sources, path->facts);
    device.units.push_back(std::move(path));
  }
}

void RestoredBuilder::LinkSlots() {
  for (Slot& slot : slots_) {
    SourceSet occupants_sources;
    for (Slot::Occupant& occupant : slot.occupants) {
      const auto device = devices_.find(occupant.device);
      if (device == devices_.end()) {
        return Fail(Contradiction(
            MakeId<Slot>(slot.id),
            absl::StrCat("holds an unknown ", Describe(MakeId<EndDevice>(occupant.device)))));
      }
      occupant.units = device->second.units;
      occupants_sources.Add(device->second.sources);
    }
    const auto enclosure = enclosures_.find(slot.id.enclosure);
    const bool in_range = enclosure != enclosures_.end() && enclosure->second.InRange(slot.id.slot);
    slot.restored =
        !slot.facts.label.empty() || !slot.facts.os_name.empty() || (!in_range && !slot.occupied());
    if (slot.restored) {
      ++reported_slots_[slot.id.enclosure];
      slot.reported_by = slot.sources;
      slot.by_source = Spread(table_, slot.reported_by, slot.facts);
      slot.restored_sources = slot.sources;
      if (enclosure != enclosures_.end()) {
        enclosure->second.slots_reported_by.Add(slot.reported_by & enclosure->second.sources);
      }
    } else if (slot.sources != occupants_sources) {
      has_range_.insert(slot.id.enclosure);
    }
    Put(std::move(slot));
  }
}

// Whether the slots that sources report are all that there are, but for those where only a device
// sits.
bool RestoredBuilder::ListsSlots(const Enclosure& enclosure) const {
  const auto it = reported_slots_.find(enclosure.id);
  return !has_range_.contains(enclosure.id) && it != reported_slots_.end() &&
         enclosure.slot_count > 0 && it->second >= enclosure.slot_count;
}

void RestoredBuilder::LinkEnclosures() {
  const auto& hosts = restored_.tables.of<Host>();
  for (auto& [key, enclosure] : enclosures_) {
    enclosure.lists_slots = ListsSlots(enclosure);
    HostList& uncompared = restored_.uncompared[key];
    for (const HostKey host : enclosure.hosts) {
      if (hosts.Find(host) == nullptr) continue;
      uncompared.push_back(host);
      for (const Source source : enclosure.sources) {
        EnclosureFacts facts;
        facts.key = key;
        facts.host = host;
        facts.slot_count = enclosure.slot_count;
        facts.start_slot = enclosure.start_slot;
        facts.lists_slots = enclosure.lists_slots;
        facts.level = enclosure.level;
        facts.os_name = enclosure.os_name.str();
        enclosure.reports.push_back({source, std::move(facts)});
      }
    }
    if (uncompared.empty()) {
      for (const auto& host : hosts) uncompared.push_back(host->key());
    }
    Put(std::move(enclosure));
  }
}

absl::StatusOr<Restored> RestoredBuilder::Finish() {
  if (status_.ok()) LinkUnits();
  if (status_.ok()) LinkSlots();
  if (status_.ok()) LinkEnclosures();
  if (!status_.ok()) return status_;
  return std::move(restored_);
}

}  // namespace sasd::registry
