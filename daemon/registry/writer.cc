#include "daemon/registry/writer.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>
#include <variant>

#include "absl/container/btree_set.h"
#include "absl/strings/str_cat.h"
#include "daemon/registry/derive.h"
#include "daemon/registry/draft_set.h"
#include "daemon/registry/merge.h"

namespace sasd::registry {

// Visits the observations of one batch. A report equal to the last one of its source changes
// nothing.
class Writer::Step {
 public:
  Step(Writer& writer, Source source, HostKey host = HostKey())
      : table_(writer.sources_),
        source_(source),
        host_(host),
        pool_(writer.pool_),
        copies_(writer.copies_),
        memory_(writer.memory_),
        changes_(table_, writer.tables_, writer.aliases_),
        deriver_(table_, changes_, writer.memory_) {}

  void operator()(HostFacts& facts);
  void operator()(HostGone& gone);
  void operator()(PhyFacts& facts);
  void operator()(PortFacts& facts);
  void operator()(ExpanderFacts& facts);
  void operator()(ExpanderGone& gone);
  void operator()(EndDeviceFacts& facts);
  void operator()(EndDeviceGone& gone);
  void operator()(LogicalUnitFacts& facts);
  void operator()(LogicalUnitGone& gone);
  void operator()(EnclosureFacts& facts);
  void operator()(EnclosureGone& gone);
  void operator()(SlotFacts& facts);
  void operator()(DiscoveryFacts& facts);
  void operator()(Notice& notice) { notices_.push_back(std::move(notice)); }

  // Those that follow are of this source.
  void SetSource(Source source) { source_ = source; }

  void MakeHostsStale();
  // Takes up those hosts and enclosures whose alias is another one now.
  void TouchAliases(const Aliases& aliases);
  // Forgets all that any source has reported of the host.
  void ForgetHost(HostKey host);
  // Derives all resources of the host again.
  void TouchHost(HostKey host);
  // The nodes lead to another enclosure of their identifier from now on.
  void Separate(const Separation& separation);
  // Forgets the restored reports on the slots of an enclosure, and their restored sources.
  void ForgetRestoredSlots(EnclosureKey key);

  // After the last observation.
  std::vector<Change> Finish(Stamp stamp) {
    deriver_.Run();
    return changes_.Commit(stamp);
  }
  // Against the tables as they are now.
  std::vector<EventNotice> TakeNotices();

 private:
  // Whether the batch's source proves existence. The reports of one that does not create nothing.
  bool proves() const { return table_.proving().Has(source_); }
  bool Proves(SourceSet sources) const { return table_.proving().HasAny(sources); }
  template <typename T, typename Record>
  void ReportRecord(const typename T::Key& key, Record record);
  // The batch's source does not have the resource any more. Removes it where no other source proves
  // that it exists.
  template <typename T>
  void Drop(const typename T::Key& key);
  // Marks a device that the fabric has lost, and some operating system not yet.
  void MarkRemoving(const NodeKey& key, EndDeviceRecord record);
  bool IsRemoving(const EndDevice& device, SourceSet fabric) const;
  void DropDevice(const NodeKey& key);
  void DropUnits(const NodeKey& device);
  void DropPort(const PortKey& key);
  // Phys and ports.
  void DropLinksOf(const NodeKey& owner);
  // The enclosure to which the node leads, of those with this identifier.
  EnclosureKey EnclosureAt(uint64_t logical_id, NodeKey node) const;
  EnclosureKey EnclosureOfExpander(uint64_t logical_id, const NodeKey& expander,
                                   const NodeKey& parent) const;
  // Where a fact belongs that comes from a place, or from none.
  EnclosureKey EnclosureOf(EnclosureKey reported, const NodeKey& place) const {
    return place.address == SasAddress(0) ? reported : EnclosureAt(reported.value(), place);
  }
  void TouchEnclosures(EnclosureKey key);
  // Drops the reports of the batch's source for which `is_it` holds.
  template <typename IsIt>
  void DropEnclosureReports(EnclosureKey key, IsIt is_it);
  void DropEnclosureReportsOf(EnclosureKey key, HostKey host);
  void ForgetUnplacedSlots(EnclosureKey key, HostKey host);
  void ReportSlot(const SlotKey& key, Source source, SlotRecord report);
  void WithdrawSlot(const SlotKey& key, Source source);
  void MoveDevice(const NodeKey& key, EnclosureKey to);
  void MoveReports(EnclosureKey from);
  void MoveNodes(uint64_t id, HostKey host);
  void DropHostRecord(HostKey host);
  void SetDiscovery(Host& host) const;
  std::shared_ptr<UnitPath> MakePath(const NodeKey& device, const UnitPath* old, UnitRecord report);
  // Sets the unit of a changed path. `old`: the path before; null: it is new.
  void SetUnit(const NodeKey& device, const UnitPath* old, UnitPath& path) const;

  // Keys of the resources of a map for which `mine` holds, from `from` on while it does.
  template <typename T, typename Mine>
  std::vector<typename T::Key> KeysFrom(const typename T::Key& from, Mine mine) const {
    std::vector<typename T::Key> keys;
    internal::VisitRange(changes_.of<T>(), from, mine,
                         [&](const auto& resource) { keys.push_back(resource->key()); });
    return keys;
  }

  template <typename T>
  std::vector<NodeKey> NodesOf(HostKey host) const {
    return KeysFrom<T>({host, SasAddress(0), PhysicalPort(0)},
                       [host](const T& node) { return node.facts.key.host == host; });
  }
  std::vector<PhyKey> PhysOf(HostKey host) const {
    return KeysFrom<Phy>({{host, SasAddress(0), PhysicalPort(0)}, PhyId(0)},
                         [host](const Phy& phy) { return phy.facts.key.owner.host == host; });
  }
  std::vector<PortKey> PortsOf(HostKey host) const {
    return KeysFrom<Port>({{host, SasAddress(0), PhysicalPort(0)}, SasAddress(0)},
                          [host](const Port& port) { return port.id.owner.host == host; });
  }
  std::vector<EnclosureKey> Enclosures() const {
    return KeysFrom<Enclosure>(EnclosureKey(0), [](const Enclosure&) { return true; });
  }
  std::vector<SlotKey> SlotsOf(EnclosureKey key) const {
    return KeysFrom<Slot>({key, 0}, [key](const Slot& slot) { return slot.id.enclosure == key; });
  }

  const SourceTable& table_;
  Source source_;
  const HostKey host_;  // the batch is about it
  TextPool& pool_;
  EnclosureCopies& copies_;
  DerivedMemory& memory_;
  DraftSet changes_;
  Deriver deriver_;
  std::vector<Notice> notices_;
};

template <typename T, typename Record>
void Writer::Step::ReportRecord(const typename T::Key& key, Record record) {
  const T* old = changes_.Find<T>(key);
  if (old == nullptr && !proves()) return;
  if (old != nullptr) {
    const Record* last = ReportOf(source_, old->facts, old->by_source, old->sources);
    if (last != nullptr && *last == record) return;
  }
  T& edited = changes_.Edit<T>(key);
  AddReport(table_, source_, std::move(record), edited.facts, edited.by_source, edited.sources);
}

template <typename T>
void Writer::Step::Drop(const typename T::Key& key) {
  const T* old = changes_.Find<T>(key);
  if (old == nullptr || !old->sources.Has(source_)) return;
  if (!Proves(old->sources.Without(source_))) {
    changes_.Remove<T>(key);
    return;
  }
  T& edited = changes_.Edit<T>(key);
  WithdrawReport(table_, source_, edited.facts, edited.by_source, edited.sources);
}

// ------------------------------------------------------------------------------------------ hosts

void Writer::Step::operator()(HostFacts& facts) {
  const HostKey host = facts.key;
  ReportRecord<Host>(host, std::move(facts));
}

void Writer::Step::operator()(DiscoveryFacts& facts) {
  const Host* old = changes_.Find<Host>(facts.host);
  if (old == nullptr && !proves()) return;
  if (old != nullptr) {
    const DiscoveryFacts* last = old->discovery_by_source.Find(source_);
    if (last != nullptr && *last == facts) return;
  }
  Host& host = changes_.Edit<Host>(facts.host);
  // Discovery facts alone prove a host, too.
  if (host.sources.empty()) host.sources.Add(source_);
  host.discovery_by_source.Set(source_, std::move(facts));
  SetDiscovery(host);
}

void Writer::Step::SetDiscovery(Host& host) const {
  host.discovery = Merge(table_, host.discovery_by_source);
  host.discovery.host = host.key();
}

void Writer::Step::operator()(HostGone& gone) {
  const HostKey host = gone.host;
  for (const NodeKey& key : NodesOf<EndDevice>(host)) DropDevice(key);
  for (const NodeKey& key : NodesOf<Expander>(host)) Drop<Expander>(key);
  for (const PhyKey& key : PhysOf(host)) Drop<Phy>(key);
  for (const PortKey& key : PortsOf(host)) DropPort(key);
  for (const EnclosureKey key : Enclosures()) DropEnclosureReportsOf(key, host);
  DropHostRecord(host);
}

void Writer::Step::DropHostRecord(HostKey host) {
  Drop<Host>(host);
  if (changes_.Find<Host>(host) == nullptr) return;
  Host& left = changes_.Edit<Host>(host);
  left.discovery_by_source.Remove(source_);
  SetDiscovery(left);
}

// --------------------------------------------------------------------------------- phys and ports

void Writer::Step::operator()(PhyFacts& facts) { ReportRecord<Phy>(facts.key, Compact(facts)); }

void Writer::Step::operator()(PortFacts& facts) {
  const Port* old = changes_.Find<Port>(facts.key);
  if (old == nullptr && !proves()) return;
  PortRecord report = Compact(facts);
  if (old != nullptr) {
    const PortRecord* last = ReportOf(source_, old->facts, old->by_source, old->reported_by);
    if (last != nullptr && *last == report) return;
  }
  Port& port = changes_.Edit<Port>(facts.key);
  AddReport(table_, source_, std::move(report), port.facts, port.by_source, port.reported_by);
  deriver_.TouchPort(facts.key);
}

void Writer::Step::DropPort(const PortKey& key) {
  const Port* old = changes_.Find<Port>(key);
  if (old == nullptr || !old->reported_by.Has(source_)) return;
  Port& port = changes_.Edit<Port>(key);
  WithdrawReport(table_, source_, port.facts, port.by_source, port.reported_by);
  if (port.reported_by.empty()) port.facts = PortRecord();
  deriver_.TouchPort(key);
}

void Writer::Step::DropLinksOf(const NodeKey& owner) {
  const auto mine = [&](const Phy& phy) { return phy.facts.key.owner == owner; };
  for (const PhyKey& key : KeysFrom<Phy>({owner, PhyId(0)}, mine)) Drop<Phy>(key);
  const auto port_mine = [&](const Port& port) { return port.id.owner == owner; };
  for (const PortKey& key : KeysFrom<Port>({owner, SasAddress(0)}, port_mine)) DropPort(key);
}

// ------------------------------------------------------------------------------------------ nodes

void Writer::Step::operator()(ExpanderFacts& facts) {
  facts.enclosure = EnclosureOfExpander(facts.enclosure.value(), facts.key, facts.parent);
  ReportRecord<Expander>(facts.key, Compact(facts, pool_));
}

void Writer::Step::operator()(ExpanderGone& gone) {
  const Expander* old = changes_.Find<Expander>(gone.key);
  if (old != nullptr) DropPort({old->facts.parent, gone.key.address});
  DropLinksOf(gone.key);
  Drop<Expander>(gone.key);
}

void Writer::Step::operator()(EndDeviceFacts& facts) {
  facts.enclosure = EnclosureAt(facts.enclosure.value(), facts.parent);
  ReportRecord<EndDevice>(facts.key, Compact(facts, pool_));
}

void Writer::Step::operator()(EndDeviceGone& gone) {
  const EndDevice* old = changes_.Find<EndDevice>(gone.key);
  if (old == nullptr) return;
  DropPort({old->facts.parent, gone.key.address});
  const SourceSet others = old->sources.Without(source_);
  const SourceSet fabric = others & table_.fabric();
  const bool os_has_it = others.HasAny(table_.operating_system());
  if (table_.fabric().Has(source_) && fabric.empty() && os_has_it) {
    const EndDeviceRecord* last = ReportOf(source_, old->facts, old->by_source, old->sources);
    return last == nullptr ? DropDevice(gone.key) : MarkRemoving(gone.key, *last);
  }
  // The last operating system that had it has lost it, after the fabric.
  if (table_.operating_system().Has(source_) && !os_has_it && IsRemoving(*old, fabric)) {
    return changes_.Remove<EndDevice>(gone.key);
  }
  DropDevice(gone.key);
}

void Writer::Step::MarkRemoving(const NodeKey& key, EndDeviceRecord record) {
  record.state = DeviceState::kRemoving;
  ReportRecord<EndDevice>(key, std::move(record));
  DropUnits(key);
}

bool Writer::Step::IsRemoving(const EndDevice& device, SourceSet fabric) const {
  if (fabric.empty()) return false;
  for (const Source source : fabric) {
    const EndDeviceRecord* last = ReportOf(source, device.facts, device.by_source, device.sources);
    if (last->state != DeviceState::kRemoving) return false;
  }
  return true;
}

void Writer::Step::DropDevice(const NodeKey& key) {
  Drop<EndDevice>(key);
  if (changes_.Find<EndDevice>(key) != nullptr) DropUnits(key);
}

void Writer::Step::DropUnits(const NodeKey& device) {
  std::vector<uint64_t> luns;
  for (const UnitPathPtr& path : changes_.Find<EndDevice>(device)->units) {
    luns.push_back(path->facts.lun);
  }
  for (const uint64_t lun : luns) {
    LogicalUnitGone gone{device, lun};
    (*this)(gone);
  }
}

// ---------------------------------------------------------------------------------- logical units

std::shared_ptr<UnitPath> Writer::Step::MakePath(const NodeKey& device, const UnitPath* old,
                                                 UnitRecord report) {
  auto path = old == nullptr ? std::make_shared<UnitPath>() : std::make_shared<UnitPath>(*old);
  AddReport(table_, source_, std::move(report), path->facts, path->by_source, path->sources);
  SetUnit(device, old, *path);
  return path;
}

void Writer::Step::SetUnit(const NodeKey& device, const UnitPath* old, UnitPath& path) const {
  if (path.facts.wwid.empty()) {
    path.unit = LogicalUnitKey::Fallback(device, path.facts.lun);
    return;
  }
  // The deriver decides which of the units with this wwid it is.
  const bool stays = old != nullptr && old->facts.wwid == path.facts.wwid;
  path.unit = stays ? old->unit : LogicalUnitKey::Plain(path.facts.wwid);
  // Two paths to one unit share its texts.
  const LogicalUnit* unit = changes_.Find<LogicalUnit>(path.unit);
  if (unit == nullptr) return;
  path.unit = unit->id;
  path.facts.wwid = unit->wwid;
  if (unit->serial == path.facts.serial) path.facts.serial = unit->serial;
}

// A report on a unit of a device that is not there comes late, after the device has gone. It brings
// nothing back.
void Writer::Step::operator()(LogicalUnitFacts& facts) {
  const EndDevice* device = changes_.Find<EndDevice>(facts.device);
  if (device == nullptr) return;
  const uint64_t lun = facts.lun;
  const auto before = [lun](const UnitPathPtr& path) { return path->facts.lun < lun; };
  const auto found = std::partition_point(device->units.begin(), device->units.end(), before);
  const bool known = found != device->units.end() && (*found)->facts.lun == lun;
  const UnitPath* old = known ? found->get() : nullptr;
  if (old == nullptr && !proves()) return;
  UnitRecord report = Compact(facts, pool_);
  if (old != nullptr) {
    const UnitRecord* last = ReportOf(source_, old->facts, old->by_source, old->sources);
    if (last != nullptr && *last == report) return;
  }
  const auto at = found - device->units.begin();
  UnitPathPtr path = MakePath(facts.device, old, std::move(report));
  auto& units = changes_.Edit<EndDevice>(facts.device).units;
  if (known) {
    units[static_cast<size_t>(at)] = std::move(path);
  } else {
    units.insert(units.begin() + at, std::move(path));
  }
}

void Writer::Step::operator()(LogicalUnitGone& gone) {
  const EndDevice* device = changes_.Find<EndDevice>(gone.device);
  if (device == nullptr) return;
  const auto found =
      std::find_if(device->units.begin(), device->units.end(),
                   [&](const UnitPathPtr& path) { return path->facts.lun == gone.lun; });
  if (found == device->units.end() || !(*found)->sources.Has(source_)) return;
  const auto at = found - device->units.begin();
  auto left = std::make_shared<UnitPath>(**found);
  WithdrawReport(table_, source_, left->facts, left->by_source, left->sources);
  auto& units = changes_.Edit<EndDevice>(gone.device).units;
  if (!Proves(left->sources)) {
    units.erase(units.begin() + at);
    return;
  }
  SetUnit(gone.device, found->get(), *left);
  units[static_cast<size_t>(at)] = std::move(left);
}

// --------------------------------------------------------------------------- enclosures and slots

EnclosureKey Writer::Step::EnclosureOfExpander(uint64_t logical_id, const NodeKey& expander,
                                               const NodeKey& parent) const {
  if (!copies_.IsShared(logical_id)) return EnclosureKey(logical_id);
  if (const auto copy = copies_.At(logical_id, expander)) return EnclosureKey(logical_id, *copy);
  const Expander* above = changes_.Find<Expander>(parent);
  const bool inside = above != nullptr && above->facts.enclosure.value() == logical_id;
  return inside ? above->facts.enclosure : EnclosureKey(logical_id);
}

EnclosureKey Writer::Step::EnclosureAt(uint64_t logical_id, NodeKey node) const {
  if (!copies_.IsShared(logical_id)) return EnclosureKey(logical_id);
  if (const auto copy = copies_.At(logical_id, node)) return EnclosureKey(logical_id, *copy);
  const Expander* expander = changes_.Find<Expander>(node);
  const bool inside = expander != nullptr && expander->facts.enclosure.value() == logical_id;
  return inside ? expander->facts.enclosure : EnclosureKey(logical_id);
}

void Writer::Step::TouchEnclosures(EnclosureKey key) {
  for (const EnclosureKey copy : copies_.CopiesOf(key.value())) deriver_.TouchEnclosure(copy);
}

void Writer::Step::operator()(EnclosureFacts& facts) {
  facts.key = EnclosureOf(facts.key, facts.place);
  const EnclosureKey key = facts.key;
  const Enclosure::Report report{source_, std::move(facts)};
  const auto shared = memory_.shared_enclosures.find(key.value());
  if (shared != memory_.shared_enclosures.end() && report.facts.place.address == SasAddress(0)) {
    PutReport(report, shared->second);
    return TouchEnclosures(key);
  }
  const Enclosure* old = changes_.Find<Enclosure>(key);
  if (old == nullptr && !proves()) return;
  if (old != nullptr) {
    const auto it = std::find_if(old->reports.begin(), old->reports.end(), [&](const auto& other) {
      return other.origin() == report.origin();
    });
    if (it != old->reports.end() && it->facts == report.facts) return;
  }
  PutReport(report, changes_.Edit<Enclosure>(key).reports);
  deriver_.TouchEnclosure(key);
}

void Writer::Step::operator()(EnclosureGone& gone) {
  const auto is_it = [&](const Enclosure::Report& report) {
    return report.facts.host == gone.host && report.facts.place == gone.place;
  };
  if (gone.place.address == SasAddress(0)) {
    ForgetUnplacedSlots(gone.key, gone.host);
  } else {
    memory_.placed_slots.erase({gone.key.value(), gone.place});
  }
  for (const EnclosureKey key : copies_.CopiesOf(gone.key.value())) {
    DropEnclosureReports(key, is_it);
  }
}

void Writer::Step::ForgetUnplacedSlots(EnclosureKey key, HostKey host) {
  const auto hosts = memory_.unplaced_slots.find(key.value());
  if (hosts == memory_.unplaced_slots.end()) return;
  const auto slots = hosts->second.find(host);
  if (slots == hosts->second.end()) return;
  for (auto it = slots->second.begin(); it != slots->second.end();) {
    it = it->first.source == source_ ? slots->second.erase(it) : std::next(it);
  }
  if (slots->second.empty()) hosts->second.erase(slots);
  if (hosts->second.empty()) memory_.unplaced_slots.erase(hosts);
}

void Writer::Step::DropEnclosureReportsOf(EnclosureKey key, HostKey host) {
  ForgetUnplacedSlots(key, host);
  DropEnclosureReports(key, [&](const Enclosure::Report& report) {
    if (report.facts.host != host) return false;
    memory_.placed_slots.erase({key.value(), report.facts.place});
    return true;
  });
}

template <typename IsIt>
void Writer::Step::DropEnclosureReports(EnclosureKey key, IsIt is_it) {
  const auto is_mine = [&](const Enclosure::Report& report) {
    return report.source == source_ && is_it(report);
  };
  const auto drop = [&](std::vector<Enclosure::Report>& reports) {
    reports.erase(std::remove_if(reports.begin(), reports.end(), is_mine), reports.end());
  };
  const auto shared = memory_.shared_enclosures.find(key.value());
  if (shared != memory_.shared_enclosures.end()) drop(shared->second);
  const Enclosure* old = changes_.Find<Enclosure>(key);
  if (old == nullptr || std::none_of(old->reports.begin(), old->reports.end(), is_mine)) return;
  Enclosure& enclosure = changes_.Edit<Enclosure>(key);
  drop(enclosure.reports);
  deriver_.TouchEnclosure(key);
  const bool reported_still =
      std::any_of(enclosure.reports.begin(), enclosure.reports.end(),
                  [&](const Enclosure::Report& report) { return report.source == source_; });
  if (reported_still || !enclosure.slots_reported_by.Has(source_)) return;
  // This was the last host through which the source sees the enclosure: its slot reports go, too.
  enclosure.slots_reported_by.Remove(source_);
  for (const SlotKey& slot : SlotsOf(key)) WithdrawSlot(slot, source_);
}

void Writer::Step::WithdrawSlot(const SlotKey& key, Source source) {
  const Slot* old = changes_.Find<Slot>(key);
  if (old == nullptr || !old->reported_by.Has(source)) return;
  Slot& slot = changes_.Edit<Slot>(key);
  WithdrawReport(table_, source, slot.facts, slot.by_source, slot.reported_by);
  if (slot.reported_by.empty()) slot.facts = SlotRecord();
  deriver_.TouchSlot(key);
}

void Writer::Step::operator()(SlotFacts& facts) {
  SlotKey key = facts.key;
  key.enclosure = EnclosureOf(key.enclosure, facts.place);
  SlotRecord report = Compact(facts, pool_);
  const uint64_t id = key.enclosure.value();
  if (facts.place.address != SasAddress(0)) {
    memory_.placed_slots[{id, facts.place}][{source_, key.slot}] = report;
  } else {
    memory_.unplaced_slots[id][host_][{source_, key.slot}] = report;
    if (copies_.IsShared(id)) return TouchEnclosures(key.enclosure);
  }
  ReportSlot(key, source_, std::move(report));
}

void Writer::Step::ReportSlot(const SlotKey& key, Source source, SlotRecord report) {
  const Slot* old = changes_.Find<Slot>(key);
  if (old == nullptr && !table_.proving().Has(source)) return;
  if (old != nullptr && !old->restored) {
    const SlotRecord* last = ReportOf(source, old->facts, old->by_source, old->reported_by);
    if (last != nullptr && *last == report) return;
  }
  Slot& slot = changes_.Edit<Slot>(key);
  if (slot.restored) slot.ForgetReports();
  AddReport(table_, source, std::move(report), slot.facts, slot.by_source, slot.reported_by);
  deriver_.TouchSlot(key);
  const Enclosure* enclosure = changes_.Find<Enclosure>(key.enclosure);
  if (enclosure != nullptr && enclosure->slots_reported_by.Has(source)) return;
  changes_.Edit<Enclosure>(key.enclosure).slots_reported_by.Add(source);
  deriver_.TouchEnclosure(key.enclosure);
}

// -------------------------------------------------------- several enclosures with one identifier

// Of a record that names another enclosure, only what it is merged of may name this one.
void Writer::Step::MoveDevice(const NodeKey& key, EnclosureKey to) {
  EndDevice& device = changes_.Edit<EndDevice>(key);
  device.facts.enclosure = to;
  if (!device.by_source) return;
  for (const Source source : device.by_source.get()->sources()) {
    EndDeviceRecord record = *device.by_source.get()->Find(source);
    if (record.enclosure.value() == to.value()) record.enclosure = to;
    device.by_source.mutable_get()->Set(source, std::move(record));
  }
}

// Moves the reports from places that lead elsewhere now, with those on their slots.
void Writer::Step::MoveReports(EnclosureKey from) {
  const Enclosure* old = changes_.Find<Enclosure>(from);
  if (old == nullptr) return;
  std::vector<Enclosure::Report> moving;
  for (const Enclosure::Report& report : old->reports) {
    if (EnclosureOf(from, report.facts.place) != from) moving.push_back(report);
  }
  for (Enclosure::Report& report : moving) {
    const NodeKey place = report.facts.place;
    const EnclosureKey to = EnclosureOf(from, place);
    auto& reports = changes_.Edit<Enclosure>(from).reports;
    reports.erase(std::remove(reports.begin(), reports.end(), report), reports.end());
    report.facts.key = to;
    PutReport(report, changes_.Edit<Enclosure>(to).reports);
    for (const auto& [slot, record] : memory_.placed_slots[{from.value(), place}]) {
      if (slot.source != report.source) continue;
      WithdrawSlot({from, slot.slot}, slot.source);
      for (const Enclosure::Report& left : changes_.Find<Enclosure>(from)->reports) {
        const auto shown = memory_.placed_slots.find({from.value(), left.facts.place});
        if (shown == memory_.placed_slots.end()) continue;
        const auto it = shown->second.find(slot);
        if (it != shown->second.end()) ReportSlot({from, slot.slot}, slot.source, it->second);
      }
      ReportSlot({to, slot.slot}, slot.source, record);
    }
  }
  SourceSet reported_by;
  for (const SlotKey& slot : SlotsOf(from)) reported_by.Add(changes_.Find<Slot>(slot)->reported_by);
  changes_.Edit<Enclosure>(from).slots_reported_by = reported_by;
}

// Moves the nodes of the host that lead elsewhere now.
void Writer::Step::MoveNodes(uint64_t id, HostKey host) {
  // The nearer ones first: those beneath follow them.
  std::vector<NodeKey> expanders = NodesOf<Expander>(host);
  std::stable_sort(expanders.begin(), expanders.end(), [&](const NodeKey& a, const NodeKey& b) {
    return changes_.Find<Expander>(a)->facts.level < changes_.Find<Expander>(b)->facts.level;
  });
  for (const NodeKey& key : expanders) {
    const Expander& expander = *changes_.Find<Expander>(key);
    const EnclosureKey now = EnclosureOfExpander(id, key, expander.facts.parent);
    if (expander.facts.enclosure.value() != id || expander.facts.enclosure == now) continue;
    Expander& edited = changes_.Edit<Expander>(key);
    edited.facts.enclosure = now;
    if (!edited.by_source) continue;
    for (const Source source : edited.by_source.get()->sources()) {
      ExpanderRecord record = *edited.by_source.get()->Find(source);
      if (record.enclosure.value() == id) record.enclosure = now;
      edited.by_source.mutable_get()->Set(source, std::move(record));
    }
  }
  for (const NodeKey& key : NodesOf<EndDevice>(host)) {
    const EndDeviceRecord& facts = changes_.Find<EndDevice>(key)->facts;
    if (facts.enclosure.value() != id || facts.enclosure == EnclosureAt(id, facts.parent)) continue;
    MoveDevice(key, EnclosureAt(id, facts.parent));
  }
}

void Writer::Step::Separate(const Separation& separation) {
  const uint64_t id = separation.from.value();
  if (!copies_.IsShared(id)) {
    auto& unplaced = memory_.shared_enclosures[id];
    for (const Enclosure::Report& report : changes_.Find<Enclosure>(separation.from)->reports) {
      if (report.facts.place.address == SasAddress(0)) unplaced.push_back(report);
    }
  }
  absl::btree_set<HostKey> hosts;
  for (const NodeKey& node : separation.nodes) {
    copies_.Set(id, node, separation.copy);
    hosts.insert(node.host);
  }
  for (const HostKey host : hosts) MoveNodes(id, host);
  for (const EnclosureKey copy : copies_.CopiesOf(id)) MoveReports(copy);
  TouchEnclosures(separation.from);
}

// ------------------------------------------------------------------------------------- restarts

void Writer::Step::MakeHostsStale() {
  const auto any = [](const Host&) { return true; };
  for (const HostKey host : KeysFrom<Host>(HostKey(), any)) {
    changes_.Edit<Host>(host).stale = true;
  }
}

void Writer::Step::TouchAliases(const Aliases& aliases) {
  const auto touch = [&](auto tag) {
    using T = typename decltype(tag)::element_type;
    std::vector<typename T::Key> keys;
    for (const auto& resource : changes_.of<T>()) {
      if (resource->alias != aliases.Of(resource->key())) keys.push_back(resource->key());
    }
    for (const auto& key : keys) changes_.Edit<T>(key);
  };
  touch(std::shared_ptr<Host>());
  touch(std::shared_ptr<Enclosure>());
}

void Writer::Step::ForgetHost(HostKey host) {
  for (const NodeKey& key : NodesOf<EndDevice>(host)) changes_.Remove<EndDevice>(key);
  for (const NodeKey& key : NodesOf<Expander>(host)) changes_.Remove<Expander>(key);
  for (const PhyKey& key : PhysOf(host)) changes_.Remove<Phy>(key);
  for (const PortKey& key : PortsOf(host)) {
    Port& port = changes_.Edit<Port>(key);
    port.facts = PortRecord();
    port.by_source = BySource<PortRecord>();
    port.reported_by = SourceSet();
  }
  for (const Source source : table_.all()) {
    SetSource(source);
    for (const EnclosureKey key : Enclosures()) DropEnclosureReportsOf(key, host);
  }
  changes_.Remove<Host>(host);
}

void Writer::Step::TouchHost(HostKey host) {
  for (const PortKey& key : PortsOf(host)) deriver_.TouchPort(key);
  for (const EnclosureKey key : Enclosures()) {
    const HostList& hosts = changes_.Find<Enclosure>(key)->hosts;
    if (std::find(hosts.begin(), hosts.end(), host) == hosts.end()) continue;
    deriver_.TouchEnclosure(key);
    for (const SlotKey& slot : SlotsOf(key)) deriver_.TouchSlot(slot);
  }
}

void Writer::Step::ForgetRestoredSlots(EnclosureKey key) {
  SourceSet reported_by;
  for (const SlotKey& slot_key : SlotsOf(key)) {
    const Slot* old = changes_.Find<Slot>(slot_key);
    if (old->restored || !old->restored_sources.empty()) {
      Slot& slot = changes_.Edit<Slot>(slot_key);
      if (slot.restored) slot.ForgetReports();
      slot.restored_sources = SourceSet();
      deriver_.TouchSlot(slot_key);
    }
    reported_by.Add(changes_.Find<Slot>(slot_key)->reported_by);
  }
  if (changes_.Find<Enclosure>(key) == nullptr) return;
  changes_.Edit<Enclosure>(key).slots_reported_by = reported_by;
  deriver_.TouchEnclosure(key);
}

// -------------------------------------------------------------------------------------- the batch

std::vector<EventNotice> Writer::Step::TakeNotices() {
  std::vector<EventNotice> taken;
  for (Notice& notice : notices_) {
    const NodeKey& subject = notice.subject;
    EventNotice resolved{notice.severity, MakeId<EndDevice>(subject), subject.host,
                         std::move(notice.text)};
    if (subject.is_host()) {
      resolved.subject = MakeId<Host>(subject.host);
    } else if (changes_.Find<Expander>(subject) != nullptr) {
      resolved.subject = MakeId<Expander>(subject);
    }
    taken.push_back(std::move(resolved));
  }
  return taken;
}

Writer::Writer(int64_t start_revision, const SourceTable& sources, EnclosureCopies copies,
               Aliases aliases)
    : sources_(sources),
      revision_(start_revision),
      copies_(std::move(copies)),
      aliases_(std::move(aliases)) {
  for (const uint64_t id : copies_.SharedIds()) memory_.shared_enclosures[id];
}

Writer::Writer(Restored restored, const SourceTable& sources, EnclosureCopies copies,
               Aliases aliases)
    : sources_(sources),
      tables_(std::move(restored.tables)),
      revision_(restored.revision),
      gap_(restored.gap),
      memory_(std::move(restored.memory)),
      copies_(std::move(copies)),
      aliases_(std::move(aliases)),
      uncompared_(std::move(restored.uncompared)) {
  for (const uint64_t id : copies_.SharedIds()) memory_.shared_enclosures[id];
}

std::shared_ptr<RegistryEvent> Writer::Apply(ObservationBatch batch) {
  Step step(*this, batch.source, batch.host);
  for (Observation& observation : batch.observations) std::visit(step, observation);
  const bool is_mark =
      batch.cause.kind == CauseKind::kResync || batch.cause.kind == CauseKind::kHostReset;
  return Finish(step, std::move(batch), is_mark);
}

std::shared_ptr<RegistryEvent> Writer::BeginRestart(absl::Time time) {
  Step step(*this, Source::kFirmware);
  step.MakeHostsStale();
  ObservationBatch batch;
  batch.cause = MakeCause(CauseKind::kRestart, "sasd started");
  batch.time = time;
  return Finish(step, std::move(batch), /*mark=*/true);
}

std::shared_ptr<RegistryEvent> Writer::Compare(HostComparison comparison) {
  const HostKey host = comparison.host;
  const bool is_gone = comparison.batches.empty();
  ObservationBatch result;
  if (!is_gone) result.source = comparison.batches.front().source;
  result.host = host;
  result.time = comparison.time;
  result.cause =
      MakeCause(CauseKind::kRestart, is_gone ? "the host has not been found since sasd started"
                                             : "compared with the picture from before the restart");
  Step step(*this, result.source, host);
  step.TouchHost(host);
  step.ForgetHost(host);
  for (ObservationBatch& batch : comparison.batches) {
    step.SetSource(batch.source);
    for (Observation& observation : batch.observations) std::visit(step, observation);
  }
  std::vector<EnclosureKey> compared;
  for (auto& [key, hosts] : uncompared_) {
    hosts.erase(std::remove(hosts.begin(), hosts.end(), host), hosts.end());
    if (hosts.empty()) compared.push_back(key);
  }
  for (const EnclosureKey key : compared) {
    step.ForgetRestoredSlots(key);
    uncompared_.erase(key);
  }
  return Finish(step, std::move(result), /*mark=*/false);
}

std::shared_ptr<RegistryEvent> Writer::Finish(Step& step, ObservationBatch batch, bool mark) {
  auto event = std::make_shared<RegistryEvent>();
  const int64_t revision = gap_ ? gap_->last + 1 : revision_ + 1;
  event->notices = step.TakeNotices();
  event->changes = step.Finish({revision, absl::ToUnixNanos(batch.time)});
  if (event->changes.empty() && event->notices.empty() && !mark) return nullptr;
  NoteContradictions(event->changes);
  if (batch.cause.kind == CauseKind::kRestart) NoteContradictionsOf(batch.host);
  if (!contradictions_.empty()) {
    last_batch_.source = batch.source;
    last_batch_.host = batch.host;
    last_batch_.time = batch.time;
    last_batch_.cause = batch.cause;
  }
  event->previous_revision = revision_;
  event->revision = revision_ = revision;
  event->gap = std::exchange(gap_, std::nullopt);
  event->time = batch.time;
  event->arrival = batch.arrival;
  event->source = batch.source;
  event->host = batch.host;
  event->cause = std::move(batch.cause);
  return event;
}

void Writer::NoteContradictions(absl::Span<const Change> changes) {
  for (const Change& change : changes) {
    if (change.resource_kind() != ResourceKind::kSlot || IsNull(change.after)) continue;
    const auto& after = std::get<IndexOf<Slot>()>(change.after);
    if (after->occupants.size() < 2) continue;
    std::vector<NodeKey> before;
    if (!IsNull(change.before)) {
      for (const auto& occupant : std::get<IndexOf<Slot>()>(change.before)->occupants) {
        before.push_back(occupant.device);
      }
    }
    contradictions_[after->id] = std::move(before);
  }
}

// Those of before the restart, too: the proof counts now that the host is compared.
void Writer::NoteContradictionsOf(HostKey host) {
  const auto is_of_host = [host](const Slot::Occupant& o) { return o.device.host == host; };
  for (const auto& slot : tables_.of<Slot>()) {
    if (slot->occupants.size() < 2 ||
        std::none_of(slot->occupants.begin(), slot->occupants.end(), is_of_host)) {
      continue;
    }
    std::vector<NodeKey> before;
    for (const Slot::Occupant& occupant : slot->occupants) before.push_back(occupant.device);
    contradictions_.try_emplace(slot->id, std::move(before));
  }
}

std::shared_ptr<RegistryEvent> Writer::SeparateEnclosures() {
  while (!contradictions_.empty()) {
    const auto node = contradictions_.extract(contradictions_.begin());
    const Slot* slot = tables_.of<Slot>().Find(node.key());
    if (slot == nullptr || separations_ == kMaxSeparations) continue;
    const auto separation = FindSeparation(tables_, copies_, *slot, node.mapped());
    if (!separation) continue;
    ObservationBatch batch = last_batch_;
    const CauseKind kind = batch.cause.kind;
    const bool is_mark = kind == CauseKind::kResync || kind == CauseKind::kHostReset;
    batch.cause = MakeCause(is_mark ? CauseKind::kScan : kind,
                            absl::StrCat("several enclosures have the logical identifier ",
                                         ToText(EnclosureKey(separation->from.value()))));
    Step step(*this, batch.source);
    step.Separate(*separation);
    if (auto event = Finish(step, std::move(batch), /*mark=*/false)) {
      contradictions_[node.key()] = node.mapped();  // it may hold a third one
      ++separations_;
      return event;
    }
  }
  separations_ = 0;
  return nullptr;
}

std::shared_ptr<RegistryEvent> Writer::SetAliases(Aliases aliases, Cause cause, absl::Time time) {
  aliases_ = std::move(aliases);
  Step step(*this, Source::kFirmware);
  step.TouchAliases(aliases_);
  ObservationBatch batch;
  batch.cause = std::move(cause);
  batch.time = time;
  return Finish(step, std::move(batch), /*mark=*/false);
}

std::shared_ptr<RegistryEvent> Writer::Annotate(Cause cause, std::vector<EventNotice> notices,
                                                absl::Time time) {
  auto event = std::make_shared<RegistryEvent>();
  event->previous_revision = revision_;
  event->revision = ++revision_;
  event->time = time;
  event->cause = std::move(cause);
  event->notices = std::move(notices);
  return event;
}

}  // namespace sasd::registry
