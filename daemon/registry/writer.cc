#include "daemon/registry/writer.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "daemon/registry/derive.h"
#include "daemon/registry/draft_set.h"
#include "daemon/registry/merge.h"

namespace sasd::registry {

// Visits the observations of one batch. A report equal to the last one of its source changes
// nothing.
class Writer::Step {
 public:
  Step(Writer& writer, Source source)
      : table_(writer.sources_),
        source_(source),
        pool_(writer.pool_),
        changes_(table_, writer.tables_),
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
  // Forgets all that any source has reported of the host.
  void ForgetHost(HostKey host);
  // Derives all resources of the host again.
  void TouchHost(HostKey host);
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
  void DropEnclosureReport(EnclosureKey key, HostKey host);
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
  void ForgetReports(Slot& slot);

  const SourceTable& table_;
  Source source_;
  TextPool& pool_;
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
  for (const EnclosureKey key : Enclosures()) DropEnclosureReport(key, host);
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
  ReportRecord<Expander>(facts.key, Compact(facts, pool_));
}

void Writer::Step::operator()(ExpanderGone& gone) {
  const Expander* old = changes_.Find<Expander>(gone.key);
  if (old != nullptr) DropPort({old->facts.parent, gone.key.address});
  DropLinksOf(gone.key);
  Drop<Expander>(gone.key);
}

void Writer::Step::operator()(EndDeviceFacts& facts) {
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

void Writer::Step::operator()(EnclosureFacts& facts) {
  const auto place = [&](const Enclosure::Report& report) {
    return std::make_pair(report.facts.host, report.source) < std::make_pair(facts.host, source_);
  };
  const auto is_it = [&](const Enclosure::Report& report) {
    return report.facts.host == facts.host && report.source == source_;
  };
  const Enclosure* old = changes_.Find<Enclosure>(facts.key);
  if (old == nullptr && !proves()) return;
  if (old != nullptr) {
    const auto it = std::find_if(old->reports.begin(), old->reports.end(), is_it);
    if (it != old->reports.end() && it->facts == facts) return;
  }
  const EnclosureKey key = facts.key;
  auto& reports = changes_.Edit<Enclosure>(key).reports;
  const auto it = std::partition_point(reports.begin(), reports.end(), place);
  if (it != reports.end() && is_it(*it)) {
    it->facts = std::move(facts);
  } else {
    reports.insert(it, {source_, std::move(facts)});
  }
  deriver_.TouchEnclosure(key);
}

void Writer::Step::operator()(EnclosureGone& gone) { DropEnclosureReport(gone.key, gone.host); }

void Writer::Step::DropEnclosureReport(EnclosureKey key, HostKey host) {
  const Enclosure* old = changes_.Find<Enclosure>(key);
  if (old == nullptr) return;
  const auto is_it = [&](const Enclosure::Report& report) {
    return report.facts.host == host && report.source == source_;
  };
  if (std::none_of(old->reports.begin(), old->reports.end(), is_it)) return;
  Enclosure& enclosure = changes_.Edit<Enclosure>(key);
  auto& reports = enclosure.reports;
  reports.erase(std::remove_if(reports.begin(), reports.end(), is_it), reports.end());
  deriver_.TouchEnclosure(key);
  const bool reported_still =
      std::any_of(reports.begin(), reports.end(),
                  [&](const Enclosure::Report& report) { return report.source == source_; });
  if (reported_still || !enclosure.slots_reported_by.Has(source_)) return;
  // This was the last host through which the source sees the enclosure: its slot reports go, too.
  enclosure.slots_reported_by.Remove(source_);
  for (const SlotKey& slot_key : SlotsOf(key)) {
    Slot& slot = changes_.Edit<Slot>(slot_key);
    WithdrawReport(table_, source_, slot.facts, slot.by_source, slot.reported_by);
    if (slot.reported_by.empty()) slot.facts = SlotRecord();
    deriver_.TouchSlot(slot_key);
  }
}

void Writer::Step::operator()(SlotFacts& facts) {
  const Slot* old = changes_.Find<Slot>(facts.key);
  if (old == nullptr && !proves()) return;
  SlotRecord report = Compact(facts, pool_);
  if (old != nullptr && !old->restored) {
    const SlotRecord* last = ReportOf(source_, old->facts, old->by_source, old->reported_by);
    if (last != nullptr && *last == report) return;
  }
  Slot& slot = changes_.Edit<Slot>(facts.key);
  if (slot.restored) ForgetReports(slot);
  AddReport(table_, source_, std::move(report), slot.facts, slot.by_source, slot.reported_by);
  deriver_.TouchSlot(facts.key);
  const Enclosure* enclosure = changes_.Find<Enclosure>(facts.key.enclosure);
  if (enclosure != nullptr && enclosure->slots_reported_by.Has(source_)) return;
  changes_.Edit<Enclosure>(facts.key.enclosure).slots_reported_by.Add(source_);
  deriver_.TouchEnclosure(facts.key.enclosure);
}

// ------------------------------------------------------------------------------------- restarts

void Writer::Step::MakeHostsStale() {
  const auto any = [](const Host&) { return true; };
  for (const HostKey host : KeysFrom<Host>(HostKey(), any)) {
    changes_.Edit<Host>(host).stale = true;
  }
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
    for (const EnclosureKey key : Enclosures()) DropEnclosureReport(key, host);
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

void Writer::Step::ForgetReports(Slot& slot) {
  slot.restored = false;
  slot.facts = SlotRecord();
  slot.by_source = BySource<SlotRecord>();
  slot.reported_by = SourceSet();
}

void Writer::Step::ForgetRestoredSlots(EnclosureKey key) {
  SourceSet reported_by;
  for (const SlotKey& slot_key : SlotsOf(key)) {
    const Slot* old = changes_.Find<Slot>(slot_key);
    if (old->restored || !old->restored_sources.empty()) {
      Slot& slot = changes_.Edit<Slot>(slot_key);
      if (slot.restored) ForgetReports(slot);
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

Writer::Writer(Restored restored, const SourceTable& sources)
    : sources_(sources),
      tables_(std::move(restored.tables)),
      revision_(restored.revision),
      gap_(restored.gap),
      memory_(std::move(restored.memory)),
      uncompared_(std::move(restored.uncompared)) {}

std::shared_ptr<RegistryEvent> Writer::Apply(ObservationBatch batch) {
  Step step(*this, batch.source);
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
  Step step(*this, result.source);
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
