#include "daemon/health/baseline.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "daemon/health/rules.h"

namespace sasd::health {
namespace {

using registry::AttachedNode;
using registry::Change;
using registry::Enclosure;
using registry::EndDevice;
using registry::EventNotice;
using registry::Expander;
using registry::Host;
using registry::LogicalUnit;
using registry::LogicalUnitKey;
using registry::MakeId;
using registry::Port;
using registry::RegistryEvent;
using registry::ResourceId;
using registry::ResourceKind;
using registry::ResourceRef;

// The drive that the end device leads to; null: none.
const registry::UnitPath* DriveOf(const EndDevice* device) {
  if (device == nullptr) return nullptr;
  const auto it = std::find_if(device->units.begin(), device->units.end(), [](const auto& path) {
    return IsDrive(path->facts.peripheral_type);
  });
  return it == device->units.end() ? nullptr : it->get();
}

// The units of the drive that the end device leads to; empty: none.
UnitKeys UnitsOf(const EndDevice* device) {
  UnitKeys units;
  if (device == nullptr) return units;
  for (const registry::UnitPathPtr& path : device->units) {
    if (IsDrive(path->facts.peripheral_type)) units.push_back(path->unit);
  }
  return units;
}

bool Contains(const UnitKeys& units, const LogicalUnitKey& unit) {
  return std::find(units.begin(), units.end(), unit) != units.end();
}

template <typename T>
const T* Pointer(const ResourceRef& ref) {
  return std::get<registry::IndexOf<T>()>(ref).get();
}

std::optional<SlotKey> SlotOf(const LogicalUnit& unit) {
  if (unit.enclosure == EnclosureKey(0) || !unit.slot.has_value()) return std::nullopt;
  return SlotKey{unit.enclosure, *unit.slot};
}

std::string SerialOf(const LogicalUnit& unit) {
  return unit.serial.empty() ? unit.id.text().str() : unit.serial.str();
}

}  // namespace

// One event, or one comparison, being taken over. The lock is held.
class Baseline::Step {
 public:
  // `restored`: not of an event, but from before a restart.
  Step(Baseline& baseline, Origin origin, const registry::Topology& topology, bool restored = false)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(baseline.mu_)
      : b_(baseline), origin_(std::move(origin)), topology_(topology), restored_(restored) {}

  void Take(const Change& change) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    if (change.resource_kind() == ResourceKind::kPort) {
      ports_.push_back(&change);  // once its ends are known
    } else if (IsNull(change.after)) {
      Leave(change.before);
    } else {
      Arrive(change.before, change.after);
    }
  }

  // The ports that were taken, once all of their ends are.
  void TakePorts() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    for (const Change* change : ports_) TakePort(*change);
    ports_.clear();
  }

  std::vector<EventNotice> Finish(absl::Span<const Change> changes) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    TakePorts();
    for (const Change& change : changes) {
      if (change.resource_kind() == ResourceKind::kEndDevice) Supersede(change);
    }
    for (const LogicalUnitKey& unit : placed_) ReplaceMissing(unit);
    for (const LogicalUnitKey& unit : lost_) FindReplacement(unit);
    return std::move(notices_);
  }

  void Arrive(const ResourceRef& before, const ResourceRef& after) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    switch (KindOf(after)) {
      case ResourceKind::kHost: {
        BaselineEntry& entry = Keep(after);
        const Host& host = *Pointer<Host>(after);
        if (host.stale) return;
        const Host* was = Pointer<Host>(before);
        if (was != nullptr && was->stale && !IsRestored()) KeepEnclosures();
        if (host.discovery.state != DiscoveryState::kSettled) return;
        if (!entry.settled) Changed(IdOf(after));
        entry.settled = true;
        if (b_.settled_.insert(host.key()).second) ++b_.version_;
        if (b_.accept_time_ == absl::InfinitePast()) b_.accept_time_ = origin_.time;
        return;
      }
      case ResourceKind::kExpander:
        Keep(after);
        return;
      case ResourceKind::kEnclosure:
        // One that only its members name goes with the last of them. In a restored picture each one
        // seems to be reported.
        if (IsRestored() ? b_.entries_.contains(IdOf(after))
                         : !Pointer<Enclosure>(after)->reports.empty()) {
          Keep(after);
        }
        return;
      case ResourceKind::kLogicalUnit: {
        const LogicalUnit* unit = Pointer<LogicalUnit>(after);
        if (IsDrive(unit->peripheral_type)) ArriveDrive(*unit, after);
        return;
      }
      case ResourceKind::kEndDevice:
        ArriveDevice(before, after);
        return;
      case ResourceKind::kPort:  // see Take()
      case ResourceKind::kPhy:
      case ResourceKind::kSlot:
        return;
    }
  }

  // Whether the resources are from before a restart, at least those of some hosts.
  bool IsRestored() const {
    if (restored_) return true;
    const auto& hosts = topology_.collection<Host>();
    return std::any_of(hosts.begin(), hosts.end(), [](const auto& host) { return host->stale; });
  }

  // What was not seen since the start is missing where `counts(entry)`.
  template <typename Counts>
  void LoseUnseen(Counts counts) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    std::vector<ResourceId> unseen;
    for (const auto& [id, entry] : b_.entries_) {
      if (!entry.seen && entry.missing == nullptr && counts(entry)) unseen.push_back(id);
    }
    for (const ResourceId& id : unseen) {
      const auto it = b_.entries_.find(id);
      it->second.seen = true;
      Lose(id, it->second);
    }
  }

 private:
  void Changed(const ResourceId& id) ABSL_NO_THREAD_SAFETY_ANALYSIS { b_.changed_.insert(id); }

  // After the last comparison: an enclosure that is reported as before makes no change.
  void KeepEnclosures() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    for (const auto& enclosure : topology_.collection<Enclosure>()) {
      if (!enclosure->reports.empty()) Keep(ResourceRef(enclosure));
    }
  }

  void ArriveDrive(const LogicalUnit& unit,
                   const ResourceRef& after) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const auto it = b_.entries_.find(IdOf(after));
    const bool stays = it != b_.entries_.end() && it->second.missing == nullptr &&
                       SlotOf(*Pointer<LogicalUnit>(it->second.last_known)) == SlotOf(unit);
    BaselineEntry& entry = Keep(after);
    if (stays) return;
    if (placed_.empty()) ++b_.last_placement_;
    entry.placement = b_.last_placement_;
    placed_.push_back(unit.id);
  }

  // The entry of an object that is there, made or brought up to date.
  BaselineEntry& Keep(const ResourceRef& after) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const ResourceId id = IdOf(after);
    const auto [it, is_new] = b_.entries_.try_emplace(id);
    BaselineEntry& entry = it->second;
    if (is_new) entry.first_seen = origin_.time;
    entry.last_known = after;
    entry.seen = true;
    if (entry.missing != nullptr) Return(id, entry);
    Changed(id);
    return entry;
  }

  void Return(const ResourceId& id, BaselineEntry& entry) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    ForgetLoss(id, *entry.missing);
    entry.missing = nullptr;
    b_.returned_.push_back(id);
  }

  void ForgetLoss(const ResourceId& id, const Missing& missing) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    b_.missing_.erase(id);
    ++b_.version_;
    if (KindOf(id) != ResourceKind::kLogicalUnit) return;
    const std::optional<SlotKey> slot = SlotOf(*Pointer<LogicalUnit>(missing.last_known));
    if (!slot.has_value()) return;
    const auto it = b_.missing_in_slot_.find(*slot);
    if (it == b_.missing_in_slot_.end()) return;
    it->second.erase(std::get<registry::IndexOf<LogicalUnit>()>(id));
    if (it->second.empty()) b_.missing_in_slot_.erase(it);
  }

  void Leave(const ResourceRef& before) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const auto it = b_.entries_.find(IdOf(before));
    if (it == b_.entries_.end() || it->second.missing != nullptr) return;
    const bool is_device = KindOf(before) == ResourceKind::kEndDevice;
    if (!is_device || DriveOf(Pointer<EndDevice>(before)) != nullptr) {
      it->second.last_known = before;
    }
    Lose(it->first, it->second);
  }

  // From now on it is missing, if discovery had settled on one of its hosts.
  void Lose(ResourceId id, BaselineEntry& entry) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    if (entry.missing != nullptr) return;
    if (!HasSettled(entry.last_known)) {
      b_.Erase(id);
      return;
    }
    Missing missing;
    missing.id = id;
    missing.last_known = entry.last_known;
    missing.port = entry.port;
    missing.units = entry.units;
    missing.since = origin_;
    entry.missing = std::make_shared<const Missing>(std::move(missing));
    b_.missing_[id] = entry.missing;
    ++b_.version_;
    Changed(id);
    if (KindOf(id) != ResourceKind::kLogicalUnit) return;
    const LogicalUnit& unit = *Pointer<LogicalUnit>(entry.last_known);
    lost_.push_back(unit.id);
    if (const auto slot = SlotOf(unit)) b_.missing_in_slot_[*slot].insert(unit.id);
  }

  bool HasSettled(const ResourceRef& resource) const ABSL_NO_THREAD_SAFETY_ANALYSIS {
    for (const HostKey host : registry::HostsOf(resource)) {
      const auto it = b_.entries_.find(MakeId<Host>(host));
      if (it != b_.entries_.end() && it->second.settled) return true;
    }
    return false;
  }

  // An end device belongs to the node as a path to a drive. One whose drive is not there is missing
  // like one that is gone.
  void ArriveDevice(const ResourceRef& before,
                    const ResourceRef& after) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const EndDevice& device = *Pointer<EndDevice>(after);
    const UnitKeys units = UnitsOf(&device);
    const ResourceId id = IdOf(after);
    const auto it = b_.entries_.find(id);
    if (units.empty()) {
      if (it == b_.entries_.end() || DriveOf(Pointer<EndDevice>(before)) == nullptr) return;
      it->second.last_known = before;  // what it led to
      Lose(it->first, it->second);
      return;
    }
    BaselineEntry& entry = Keep(after);
    const bool is_same_drive =
        std::any_of(units.begin(), units.end(),
                    [&](const LogicalUnitKey& unit) { return Contains(entry.units, unit); });
    const auto is_unknown = [](const LogicalUnitKey& unit) { return unit.IsFallback(); };
    if (!entry.units.empty() && std::all_of(units.begin(), units.end(), is_unknown)) return;
    SetUnits(device.key(), is_same_drive ? Together(units, entry.units) : units, entry);
    if (is_same_drive) return;
    if (auto port = topology_.Get<Port>({device.facts.parent, device.key().address})) {
      entry.port = std::move(port);
    }
    EndMovedPath(device);
  }

  // A unit of the drive that is not there still belongs to it. One that could not be identified may
  // be another one by now.
  static UnitKeys Together(UnitKeys now, const UnitKeys& before) {
    for (const LogicalUnitKey& unit : before) {
      if (!unit.IsFallback() && !Contains(now, unit)) now.push_back(unit);
    }
    return now;
  }

  void SetUnits(const NodeKey& device, const UnitKeys& units,
                BaselineEntry& entry) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    for (const LogicalUnitKey& unit : entry.units) {
      if (!Contains(units, unit)) ForgetPath(unit, device);
    }
    for (const LogicalUnitKey& unit : units) b_.paths_[unit].insert(device);
    entry.units = units;
  }

  // Whether two units are of one drive: an end device leads, or led, to both.
  bool IsOneDrive(const LogicalUnitKey& a,
                  const LogicalUnitKey& b) const ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const auto paths = b_.paths_.find(a);
    if (paths == b_.paths_.end()) return false;
    for (const NodeKey& path : paths->second) {
      if (Contains(b_.entries_.at(MakeId<EndDevice>(path)).units, b)) return true;
    }
    return false;
  }

  void ForgetPath(const LogicalUnitKey& unit,
                  const NodeKey& device) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const auto it = b_.paths_.find(unit);
    if (it == b_.paths_.end()) return;
    it->second.erase(device);
    if (it->second.empty()) b_.paths_.erase(it);
  }

  // A drive that is reached in a new way over the same host has moved: one lost path over that host
  // is not missed any more.
  void EndMovedPath(const EndDevice& device) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const LogicalUnitKey unit = DriveOf(&device)->unit;
    for (const NodeKey& other : b_.paths_[unit]) {
      if (other.host != device.key().host || other == device.key()) continue;
      const ResourceId id = MakeId<EndDevice>(other);
      const auto it = b_.entries_.find(id);
      if (it == b_.entries_.end() || it->second.missing == nullptr) continue;
      b_.Erase(id);
      return;
    }
  }

  // Kept are ports that lead down (the other end of the link is the same cable) and have been wide.
  void TakePort(const Change& change) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const Port* after = Pointer<Port>(change.after);
    if (after == nullptr) {
      const ResourceId id = IdOf(change.before);
      b_.best_.erase(Pointer<Port>(change.before)->id);
      const auto it = b_.entries_.find(id);
      if (it == b_.entries_.end()) return;
      const Port* kept = Pointer<Port>(it->second.last_known);
      // The last state before it went may have few phys: the one at its widest says more.
      if (kept->phys.size() <= Pointer<Port>(change.before)->phys.size()) {
        it->second.last_known = change.before;
      }
      Lose(it->first, it->second);
      return;
    }
    const NodeKey below = after->attached_key();
    const bool to_expander = after->attached.kind == AttachedNode::Kind::kExpander;
    if (!to_expander && after->attached.kind != AttachedNode::Kind::kEndDevice) return;
    const ResourceId end = to_expander ? MakeId<Expander>(below) : MakeId<EndDevice>(below);
    const auto it = b_.entries_.find(end);
    if (to_expander &&
        (it == b_.entries_.end() ||
         Pointer<Expander>(it->second.last_known)->facts.parent != after->id.owner)) {
      return;
    }
    const std::shared_ptr<const Port>& port = std::get<registry::IndexOf<Port>()>(change.after);
    if (it != b_.entries_.end()) {
      std::shared_ptr<const Port>& kept = it->second.port;
      if (kept == nullptr || kept->id != port->id || kept->phys.size() <= port->phys.size()) {
        kept = port;
        Changed(end);
      }
    }
    KeepPort(change.after, *port);
  }

  void KeepPort(const ResourceRef& after, const Port& port) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const ResourceId id = IdOf(after);
    const auto it = b_.entries_.find(id);
    if (it == b_.entries_.end()) {
      if (port.widest >= 2) Keep(after);
      return;
    }
    it->second.seen = true;
    const Port& kept = *Pointer<Port>(it->second.last_known);
    const BaselineView::PortBest best{std::max(kept.widest, port.widest),
                                      std::max(kept.fastest, port.fastest)};
    if (best.widest <= port.widest && best.fastest <= port.fastest) {
      b_.best_.erase(port.id);
      if (kept.phys.size() <= port.phys.size() || it->second.missing != nullptr) {
        Keep(after);
        return;
      }
    } else {
      b_.best_[port.id] = best;
      ++b_.version_;
    }
    if (it->second.missing != nullptr) Return(id, it->second);
  }

  // One end device, another drive: the earlier one had a name only until its own was known, or was
  // swapped without anybody seeing it go.
  void Supersede(const Change& change) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const EndDevice* before = Pointer<EndDevice>(change.before);
    const EndDevice* after = Pointer<EndDevice>(change.after);
    if (before == nullptr || after == nullptr) return;
    for (const registry::UnitPathPtr& was : before->units) {
      if (!IsDrive(was->facts.peripheral_type)) continue;
      const auto is = std::find_if(
          after->units.begin(), after->units.end(),
          [&](const registry::UnitPathPtr& path) { return path->facts.lun == was->facts.lun; });
      if (is != after->units.end()) SupersedeUnit(was->unit, (*is)->unit);
    }
  }

  void SupersedeUnit(const LogicalUnitKey& was,
                     const LogicalUnitKey& is) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    if (was == is || is.IsFallback()) return;
    const auto old = b_.entries_.find(MakeId<LogicalUnit>(was));
    if (old == b_.entries_.end() || old->second.missing == nullptr) return;
    const LogicalUnit* now = Present(is);
    if (now != nullptr) {
      Replace(was, *now);
    } else {
      EndDrive(was);
    }
  }

  // The drive came to a slot where a missing one sat. One that could not be identified may be the
  // same.
  void ReplaceMissing(const LogicalUnitKey& key) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const LogicalUnit* unit = Present(key);
    if (unit == nullptr || key.IsFallback()) return;
    const std::optional<SlotKey> slot = SlotOf(*unit);
    if (!slot.has_value()) return;
    const auto it = b_.missing_in_slot_.find(*slot);
    if (it == b_.missing_in_slot_.end()) return;
    const absl::btree_set<LogicalUnitKey> gone = it->second;
    for (const LogicalUnitKey& each : gone) {
      if (!IsOneDrive(each, key)) Replace(each, *unit);
    }
  }

  // The drive is missing by this event. Where its paths went one by one, as host by host after a
  // restart, another drive may have come to its slot before.
  void FindReplacement(const LogicalUnitKey& gone) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const auto entry = b_.entries_.find(MakeId<LogicalUnit>(gone));
    if (entry == b_.entries_.end() || entry->second.missing == nullptr) return;
    const int64_t placement = entry->second.placement;
    const std::optional<SlotKey> slot = SlotOf(*Pointer<LogicalUnit>(entry->second.last_known));
    const std::shared_ptr<const registry::Slot> now =
        slot.has_value() ? topology_.Get<registry::Slot>(*slot) : nullptr;
    if (now == nullptr) return;
    for (const LogicalUnitKey& key : now->LogicalUnits()) {
      const LogicalUnit* unit = Present(key);
      if (unit == nullptr || key.IsFallback() || SlotOf(*unit) != slot || IsOneDrive(gone, key)) {
        continue;
      }
      // One that came no later is no replacement: the sources contradict each other.
      if (b_.entries_.at(MakeId<LogicalUnit>(key)).placement <= placement) continue;
      Replace(gone, *unit);
      return;
    }
  }

  // The drive, if it is there.
  const LogicalUnit* Present(const LogicalUnitKey& key) const ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const auto it = b_.entries_.find(MakeId<LogicalUnit>(key));
    if (it == b_.entries_.end() || it->second.missing != nullptr) return nullptr;
    return Pointer<LogicalUnit>(it->second.last_known);
  }

  void Replace(const LogicalUnitKey& gone, const LogicalUnit& unit) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const auto entry = b_.entries_.find(MakeId<LogicalUnit>(gone));
    if (entry == b_.entries_.end()) return;  // with another unit of its drive
    if (!gone.IsFallback()) Announce(*Pointer<LogicalUnit>(entry->second.last_known), unit);
    EndDrive(gone);
  }

  void Announce(const LogicalUnit& gone, const LogicalUnit& unit) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    EventNotice notice;
    notice.severity = Notice::Severity::kWarning;
    notice.subject = MakeId<LogicalUnit>(unit.id);
    if (!unit.paths.empty()) notice.host = unit.paths[0].device.host;
    notice.reason = "DRIVE_REPLACED";
    std::string place = "drive";
    if (const auto slot = SlotOf(unit)) {
      place =
          absl::StrCat("slot ", slot->slot, " of enclosure ", ToText(slot->enclosure), ": drive");
    }
    notice.text = absl::StrCat(place, " ", SerialOf(gone), " was replaced by ", SerialOf(unit));
    notices_.push_back(std::move(notice));
  }

  // With its other units and its paths, as far as they are missing.
  void EndDrive(const LogicalUnitKey& unit) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    UnitKeys units = {unit};
    const auto it = b_.paths_.find(unit);
    if (it != b_.paths_.end()) {
      const absl::btree_set<NodeKey> paths = it->second;
      for (const NodeKey& path : paths) {
        const ResourceId id = MakeId<EndDevice>(path);
        BaselineEntry& entry = b_.entries_.at(id);
        units = Together(units, entry.units);
        if (entry.missing != nullptr) {
          b_.Erase(id);
          continue;
        }
        entry.units.erase(std::find(entry.units.begin(), entry.units.end(), unit));
        ForgetPath(unit, path);
        Changed(id);
      }
    }
    for (const LogicalUnitKey& each : units) {
      const ResourceId id = MakeId<LogicalUnit>(each);
      if (each == unit || b_.missing_.contains(id)) b_.Erase(id);
    }
  }

  Baseline& b_;
  const Origin origin_;
  const registry::Topology& topology_;
  const bool restored_;
  std::vector<const Change*> ports_;
  std::vector<LogicalUnitKey> placed_;  // drives that came to a slot, or left it
  std::vector<LogicalUnitKey> lost_;    // drives that are missing from now on
  std::vector<EventNotice> notices_;
};

void Baseline::Erase(const ResourceId& id) {
  const auto it = entries_.find(id);
  if (it == entries_.end()) return;
  if (it->second.missing != nullptr) {
    if (KindOf(id) == ResourceKind::kLogicalUnit) {
      const LogicalUnit& unit = *Pointer<LogicalUnit>(it->second.missing->last_known);
      if (const auto slot = SlotOf(unit)) {
        const auto in_slot = missing_in_slot_.find(*slot);
        if (in_slot != missing_in_slot_.end()) {
          in_slot->second.erase(unit.id);
          if (in_slot->second.empty()) missing_in_slot_.erase(in_slot);
        }
      }
    }
    missing_.erase(id);
    ++version_;
  }
  if (KindOf(id) == ResourceKind::kEndDevice) {
    for (const LogicalUnitKey& unit : it->second.units) {
      const auto paths = paths_.find(unit);
      if (paths == paths_.end()) continue;
      paths->second.erase(std::get<registry::IndexOf<EndDevice>()>(id));
      if (paths->second.empty()) paths_.erase(paths);
    }
  }
  changed_.insert(id);
  entries_.erase(it);
}

std::vector<EventNotice> Baseline::OnCommit(const RegistryEvent& event,
                                            const registry::Topology& after) {
  absl::MutexLock lock(&mu_);
  Step step(*this, {event.time, event.revision, event.cause}, after);
  for (const Change& change : event.changes) step.Take(change);
  return step.Finish(event.changes);
}

void Baseline::Compare(const registry::Topology& restored, const Origin& origin) {
  std::vector<Change> changes;
  restored.VisitAll([&](const ResourceRef& resource) {
    Change change;
    change.after = resource;
    change.before = resource;
    std::visit([](auto& pointer) { pointer = nullptr; }, change.before);
    changes.push_back(std::move(change));
  });
  absl::MutexLock lock(&mu_);
  Step step(*this, origin, restored, /*restored=*/true);
  for (const Change& change : changes) step.Take(change);
  step.TakePorts();
  step.LoseUnseen([](const BaselineEntry&) { return true; });
  step.Finish(changes);  // the last run has announced what was replaced
  settled_.clear();      // nothing was read since the start
}

std::vector<EventNotice> Baseline::MissUnseen(const absl::flat_hash_set<HostKey>& hosts,
                                              const registry::Topology& topology,
                                              const Origin& origin) {
  absl::MutexLock lock(&mu_);
  Step step(*this, origin, topology);
  step.LoseUnseen([&hosts](const BaselineEntry& entry) {
    for (const HostKey host : registry::HostsOf(entry.last_known)) {
      if (!hosts.contains(host)) return false;
    }
    return true;
  });
  return step.Finish({});
}

std::vector<HostKey> Baseline::UnseenHosts() const {
  std::vector<HostKey> hosts;
  absl::MutexLock lock(&mu_);
  for (const auto& [id, entry] : entries_) {
    if (KindOf(id) != ResourceKind::kHost) break;  // they come first
    if (!entry.seen && entry.missing == nullptr) {
      hosts.push_back(std::get<registry::IndexOf<Host>()>(id));
    }
  }
  return hosts;
}

BaselineView Baseline::View() const {
  BaselineView view;
  absl::MutexLock lock(&mu_);
  view.version = version_;
  view.size = entries_.size();
  view.lost = lost_;
  view.missing.reserve(missing_.size());
  for (const auto& [id, missing] : missing_) view.missing.push_back(missing);
  view.best = best_;
  view.settled = settled_;
  return view;
}

uint64_t Baseline::version() const {
  absl::MutexLock lock(&mu_);
  return version_;
}

std::vector<Baseline::Listed> Baseline::List(const std::optional<ResourceId>& after, bool missing,
                                             size_t limit) const {
  std::vector<Listed> listed;
  absl::MutexLock lock(&mu_);
  if (missing) {
    auto it = after.has_value() ? missing_.upper_bound(*after) : missing_.begin();
    for (; it != missing_.end() && listed.size() < limit; ++it) {
      listed.push_back({it->first, entries_.at(it->first)});
    }
    return listed;
  }
  auto it = after.has_value() ? entries_.upper_bound(*after) : entries_.begin();
  for (; it != entries_.end() && listed.size() < limit; ++it) {
    if (it->second.missing == nullptr) listed.push_back({it->first, it->second});
  }
  return listed;
}

std::optional<BaselineEntry> Baseline::Find(const ResourceId& id) const {
  absl::MutexLock lock(&mu_);
  const auto it = entries_.find(id);
  if (it == entries_.end()) return std::nullopt;
  return it->second;
}

std::vector<std::shared_ptr<const LogicalUnit>> Baseline::Drives() const {
  std::vector<std::shared_ptr<const LogicalUnit>> drives;
  absl::MutexLock lock(&mu_);
  for (const auto& [id, entry] : entries_) {
    if (KindOf(id) != ResourceKind::kLogicalUnit) continue;
    drives.push_back(std::get<registry::IndexOf<LogicalUnit>()>(entry.last_known));
  }
  return drives;
}

size_t Baseline::size() const {
  absl::MutexLock lock(&mu_);
  return entries_.size();
}

std::vector<Baseline::Listed> Baseline::Accept(absl::Span<const ResourceId> ids, absl::Time now) {
  std::vector<Listed> removed;
  absl::MutexLock lock(&mu_);
  std::vector<ResourceId> gone(ids.begin(), ids.end());
  if (gone.empty()) {
    for (const auto& [id, missing] : missing_) gone.push_back(id);
    best_.clear();
    lost_ = false;
    ++version_;
    accept_time_ = now;
  }
  const auto take = [&](const ResourceId& id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (!missing_.contains(id)) return;
    removed.push_back({id, entries_.at(id)});
    Erase(id);
  };
  for (const ResourceId& id : gone) {
    take(id);
    if (KindOf(id) != ResourceKind::kLogicalUnit) continue;
    // A drive takes its paths and other units along.
    const auto paths = paths_.find(std::get<registry::IndexOf<LogicalUnit>()>(id));
    if (paths == paths_.end()) continue;
    const absl::btree_set<NodeKey> devices = paths->second;
    for (const NodeKey& device : devices) {
      const ResourceId path = MakeId<EndDevice>(device);
      const UnitKeys units = entries_.at(path).units;
      for (const LogicalUnitKey& unit : units) take(MakeId<LogicalUnit>(unit));
      take(path);
    }
  }
  return removed;
}

absl::Time Baseline::accept_time() const {
  absl::MutexLock lock(&mu_);
  return accept_time_;
}

void Baseline::SetLost() {
  absl::MutexLock lock(&mu_);
  lost_ = true;
  ++version_;
}

void Baseline::Restore(const ResourceId& id, BaselineEntry entry) {
  entry.seen = false;
  absl::MutexLock lock(&mu_);
  last_placement_ = std::max(last_placement_, entry.placement);
  if (entry.missing != nullptr) {
    missing_[id] = entry.missing;
    ++version_;
    if (KindOf(id) == ResourceKind::kLogicalUnit) {
      const LogicalUnit& unit = *Pointer<LogicalUnit>(entry.missing->last_known);
      if (const auto slot = SlotOf(unit)) missing_in_slot_[*slot].insert(unit.id);
    }
  }
  if (KindOf(id) == ResourceKind::kEndDevice) {
    for (const LogicalUnitKey& unit : entry.units) {
      paths_[unit].insert(std::get<registry::IndexOf<EndDevice>()>(id));
    }
  }
  entries_[id] = std::move(entry);
}

void Baseline::RestoreAcceptTime(absl::Time time) {
  absl::MutexLock lock(&mu_);
  accept_time_ = time;
}

std::vector<Baseline::Changed> Baseline::TakeChanged() {
  std::vector<Changed> changed;
  absl::MutexLock lock(&mu_);
  changed.reserve(changed_.size());
  for (const ResourceId& id : changed_) {
    const auto it = entries_.find(id);
    changed.push_back(
        {id, it == entries_.end() ? std::nullopt : std::optional<BaselineEntry>(it->second)});
  }
  changed_.clear();
  return changed;
}

std::vector<ResourceId> Baseline::TakeReturned() {
  absl::MutexLock lock(&mu_);
  return std::exchange(returned_, {});
}

}  // namespace sasd::health
