#include <algorithm>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "daemon/registry/derive.h"
#include "daemon/registry/merge.h"

namespace sasd::registry {
namespace {

constexpr uint8_t kEnclosureServices = 13;  // SPC peripheral device type

const UnitPath* EnclosureServicesOf(const EndDevice& device) {
  for (const UnitPathPtr& path : device.units) {
    if (path->facts.peripheral_type == kEnclosureServices) return path.get();
  }
  return nullptr;
}

// Whether the device, which names a slot of this enclosure, sits in it. An enclosure services
// device names a slot, too, commonly the number after the last one; a device without a known unit
// may be such a device. `is_reported`: a source reports the slot.
bool Occupies(const EndDevice& device, const Enclosure* enclosure, bool is_reported) {
  if (!device.units.empty()) return EnclosureServicesOf(device) == nullptr;
  return enclosure == nullptr || enclosure->slot_count == 0 || is_reported ||
         enclosure->InRange(*device.facts.slot);
}

void AddHost(HostList& hosts, HostKey host) {
  const auto it = std::lower_bound(hosts.begin(), hosts.end(), host);
  if (it == hosts.end() || *it != host) hosts.insert(it, host);
}

void MergeReports(const SourceTable& table, Enclosure& enclosure) {
  absl::InlinedVector<SourceReport<EnclosureFacts>, 4> reports;
  for (const Enclosure::Report& report : enclosure.reports) {
    reports.push_back({report.source, &report.facts});
  }
  const EnclosureFacts merged = Merge<EnclosureFacts>(table, reports);
  enclosure.slot_count = std::min(merged.slot_count, Enclosure::kMaxSlots);
  enclosure.start_slot = merged.start_slot;
  enclosure.lists_slots = false;
  bool is_host = false;
  for (const Enclosure::Report& report : enclosure.reports) {
    is_host = is_host || report.facts.is_host;
    if (!report.facts.lists_slots) continue;
    // A list is better than a range.
    const uint16_t listed = std::min(report.facts.slot_count, Enclosure::kMaxSlots);
    const bool first = !std::exchange(enclosure.lists_slots, true);
    enclosure.slot_count = first ? listed : std::max(enclosure.slot_count, listed);
    enclosure.start_slot =
        first ? report.facts.start_slot : std::min(enclosure.start_slot, report.facts.start_slot);
  }
  if (is_host && !enclosure.lists_slots) enclosure.slot_count = enclosure.start_slot = 0;
  enclosure.level = merged.level;
  enclosure.os_name = merged.os_name;
}

}  // namespace

void Deriver::ShareReports(EnclosureKey key) {
  const auto shared = memory_.shared_enclosures.find(key.value());
  if (shared == memory_.shared_enclosures.end()) return;
  const auto members = memory_.members.find(key);
  for (const Enclosure::Report& report : shared->second) {
    const auto is_same = [&](const Enclosure::Report& other) {
      return other.facts.host == report.facts.host && other.source == report.source &&
             other.facts.place == report.facts.place;
    };
    const bool mine = members != memory_.members.end() &&
                      members->second.contains({report.facts.host, report.source});
    const Enclosure* old = changes_.Find<Enclosure>(key);
    const bool had =
        old != nullptr && std::any_of(old->reports.begin(), old->reports.end(), is_same);
    if (!mine && !had) continue;
    auto& reports = changes_.Edit<Enclosure>(key).reports;
    reports.erase(std::remove_if(reports.begin(), reports.end(), is_same), reports.end());
    if (!mine) continue;
    Enclosure::Report copy = report;
    copy.facts.key = key;
    PutReport(std::move(copy), reports);
  }
}

// After ShareReports().
void Deriver::ShareSlots(EnclosureKey key) {
  const auto hosts = memory_.unplaced_slots.find(key.value());
  if (hosts == memory_.unplaced_slots.end() || !memory_.shared_enclosures.contains(key.value())) {
    return;
  }
  const auto members = memory_.members.find(key);
  SourceSet mine;
  for (const auto& [host, slots] : hosts->second) {
    for (const auto& [at, record] : slots) {
      const SlotKey slot_key{key, at.slot};
      const Slot* old = changes_.Find<Slot>(slot_key);
      if (members != memory_.members.end() && members->second.contains({host, at.source})) {
        mine.Add(at.source);
        const SlotRecord* last =
            old == nullptr || old->restored
                ? nullptr
                : ReportOf(at.source, old->facts, old->by_source, old->reported_by);
        if ((old == nullptr && !Proves({at.source})) || (last != nullptr && *last == record)) {
          continue;
        }
        Slot& slot = changes_.Edit<Slot>(slot_key);
        if (slot.restored) slot.ForgetReports();
        AddReport(table_, at.source, record, slot.facts, slot.by_source, slot.reported_by);
        TouchSlot(slot_key);
      } else if (old != nullptr && old->reported_by.Has(at.source) &&
                 !IsReportedBy(key, at.source)) {
        Slot& slot = changes_.Edit<Slot>(slot_key);
        WithdrawReport(table_, at.source, slot.facts, slot.by_source, slot.reported_by);
        if (slot.reported_by.empty()) slot.facts = SlotRecord();
        TouchSlot(slot_key);
        changes_.Edit<Enclosure>(key).slots_reported_by.Remove(at.source);
      }
    }
  }
  if (!mine.empty()) changes_.Edit<Enclosure>(key).slots_reported_by.Add(mine);
}

bool Deriver::IsReportedBy(EnclosureKey key, Source source) const {
  const Enclosure* enclosure = changes_.Find<Enclosure>(key);
  if (enclosure == nullptr) return false;
  return std::any_of(enclosure->reports.begin(), enclosure->reports.end(),
                     [source](const Enclosure::Report& report) { return report.source == source; });
}

void Deriver::DeriveEnclosure(EnclosureKey key, Devices touched) {
  ShareReports(key);
  ShareSlots(key);
  const Enclosure* old = changes_.Find<Enclosure>(key);
  const auto members = memory_.members.find(key);
  const auto proves = [&](const Enclosure::Report& report) { return Proves({report.source}); };
  const bool reported =
      old != nullptr && (Proves(old->slots_reported_by) ||
                         std::any_of(old->reports.begin(), old->reports.end(), proves));
  if (!reported && members == memory_.members.end()) {
    changes_.Remove<Enclosure>(key);
    TouchAllSlots(key);
    return;
  }
  Enclosure& enclosure = changes_.Edit<Enclosure>(key);
  const HostList hosts_before = std::move(enclosure.hosts);
  const SourceSet sources_before = enclosure.sources;
  MergeReports(table_, enclosure);
  enclosure.hosts.clear();
  SourceSet sources = enclosure.slots_reported_by;
  for (const Enclosure::Report& report : enclosure.reports) {
    if (proves(report)) AddHost(enclosure.hosts, report.facts.host);
    sources.Add(report.source);
  }
  SourceSet named_by;
  if (members != memory_.members.end()) {
    for (const auto& [host_and_source, count] : members->second) {
      AddHost(enclosure.hosts, host_and_source.first);
      named_by.Add(host_and_source.second);
    }
  }
  // Where only its members name it: their sources.
  if (!Proves(sources)) sources.Add(named_by & table_.proving());
  enclosure.sources = sources;
  DeriveExpanders(enclosure, touched);
  DeriveIdentity(enclosure, std::move(touched));
  if (enclosure.hosts != hosts_before || sources != sources_before) TouchAllSlots(key);
  const auto draft = changes_.drafts<Enclosure>().find(key);
  const Enclosure* before = draft->second.before.get();
  if (before != nullptr && before->slot_count == enclosure.slot_count &&
      before->start_slot == enclosure.start_slot && before->lists_slots == enclosure.lists_slots) {
    return;
  }
  if (before != nullptr) TouchRange(*before);
  TouchRange(enclosure);
}

void Deriver::DeriveIdentity(Enclosure& enclosure, Devices touched) const {
  touched.insert(touched.end(), enclosure.ses_devices.begin(), enclosure.ses_devices.end());
  enclosure.ses_devices.clear();
  enclosure.vendor = enclosure.model = enclosure.revision = Text();
  for (const NodeKey& node : Unique(std::move(touched))) {
    const EndDevice* device = changes_.Find<EndDevice>(node);
    if (device == nullptr || device->facts.enclosure != enclosure.id) continue;
    const UnitPath* services = EnclosureServicesOf(*device);
    if (services == nullptr) continue;
    enclosure.ses_devices.push_back(node);
    if (enclosure.vendor.empty()) enclosure.vendor = services->facts.vendor;
    if (enclosure.model.empty()) enclosure.model = services->facts.model;
    if (enclosure.revision.empty()) enclosure.revision = services->facts.revision;
  }
}

void Deriver::DeriveExpanders(Enclosure& enclosure, Devices touched) const {
  touched.insert(touched.end(), enclosure.expanders.begin(), enclosure.expanders.end());
  enclosure.expanders.clear();
  for (const NodeKey& node : Unique(std::move(touched))) {
    const Expander* expander = changes_.Find<Expander>(node);
    if (expander != nullptr && expander->facts.enclosure == enclosure.id) {
      enclosure.expanders.push_back(node);
    }
  }
}

void Deriver::TouchRange(const Enclosure& enclosure) {
  const uint32_t end = uint32_t{enclosure.start_slot} + enclosure.slot_count;
  for (uint32_t slot = enclosure.start_slot; slot < end && slot <= UINT16_MAX; ++slot) {
    TouchSlot({enclosure.id, static_cast<uint16_t>(slot)});
  }
}

void Deriver::TouchAllSlots(EnclosureKey enclosure) {
  internal::VisitRange(
      changes_.of<Slot>(), {enclosure, 0},
      [&](const Slot& slot) { return slot.id.enclosure == enclosure; },
      [&](const std::shared_ptr<const Slot>& slot) { TouchSlot(slot->id); });
}

void Deriver::DeriveSlot(const SlotKey& key, Devices touched) {
  const Slot* old = changes_.Find<Slot>(key);
  const Enclosure* enclosure = changes_.Find<Enclosure>(key.enclosure);
  if (old != nullptr) {
    for (const Slot::Occupant& occupant : old->occupants) touched.push_back(occupant.device);
  }
  const bool is_reported = old != nullptr && Proves(old->reported_by);
  std::vector<const EndDevice*> occupants;
  for (const NodeKey& node : Unique(std::move(touched))) {
    const EndDevice* device = changes_.Find<EndDevice>(node);
    if (device == nullptr || device->facts.enclosure != key.enclosure) continue;
    if (device->facts.slot != key.slot || !Occupies(*device, enclosure, is_reported)) continue;
    occupants.push_back(device);
  }
  const bool in_range = enclosure != nullptr && enclosure->InRange(key.slot);
  if (occupants.empty() && !in_range && !is_reported) {
    changes_.Remove<Slot>(key);
    return;
  }
  Slot& slot = changes_.Edit<Slot>(key);
  slot.occupants.clear();
  slot.logical_unit = LogicalUnitKey();
  slot.vendor = slot.model = slot.serial = Text();
  slot.hosts = enclosure == nullptr ? HostList() : enclosure->hosts;
  slot.sources = slot.reported_by;
  slot.sources.Add(slot.restored_sources);
  if (in_range) slot.sources.Add(enclosure->sources);
  for (const EndDevice* device : occupants) {
    slot.occupants.push_back({device->key(), device->units});
    slot.sources.Add(device->sources);
    const UnitPath* unit = device->first_unit();
    if (unit == nullptr || !slot.logical_unit.text().empty()) continue;
    slot.logical_unit = unit->unit;
    slot.vendor = unit->facts.vendor;
    slot.model = unit->facts.model;
    slot.serial = unit->facts.serial;
  }
}

void Deriver::CountOccupied() {
  absl::flat_hash_map<EnclosureKey, int> differences;
  for (const auto& [key, draft] : changes_.drafts<Slot>()) {
    const bool was = draft.before != nullptr && draft.before->occupied();
    const bool is = draft.after != nullptr && draft.after->occupied();
    if (was != is) differences[key.enclosure] += is ? 1 : -1;
  }
  for (const auto& [key, difference] : differences) {
    if (difference == 0 || changes_.Find<Enclosure>(key) == nullptr) continue;
    Enclosure& enclosure = changes_.Edit<Enclosure>(key);
    enclosure.occupied_slot_count =
        static_cast<uint16_t>(enclosure.occupied_slot_count + difference);
  }
}

void Deriver::Run() {
  CollectPorts();
  DerivePorts();
  DeriveLinks();
  CollectDevices();
  CollectExpanders();
  for (auto& [key, touched] : units_) DeriveFallback(key, std::move(touched));
  for (auto& [wwid, touched] : groups_) DeriveGroup(wwid, std::move(touched));
  for (auto& [key, touched] : enclosures_) DeriveEnclosure(key, std::move(touched));
  for (auto& [key, touched] : slots_) DeriveSlot(key, std::move(touched));
  CountOccupied();
  DeriveLabels();
}

}  // namespace sasd::registry
