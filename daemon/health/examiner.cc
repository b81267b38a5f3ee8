#include "daemon/health/examiner.h"

#include <algorithm>
#include <iterator>
#include <type_traits>

#include "daemon/health/rules.h"

namespace sasd::health {
namespace {

using registry::AttachedNode;
using registry::CowMap;
using registry::Enclosure;
using registry::EndDevice;
using registry::Expander;
using registry::Host;
using registry::LogicalUnit;
using registry::LogicalUnitKey;
using registry::Phy;
using registry::Port;
using registry::ResourceId;
using registry::ResourceKind;
using registry::Tables;
using registry::Topology;

// Whether the hosts differ in nothing but their discovery.
bool SameButDiscovery(const Host& a, const Host& b) {
  return a.facts == b.facts && a.sources == b.sources && a.stale == b.stale;
}

template <typename T>
void Add(const Topology& topology, const typename T::Key& key, Tables& tables) {
  if (std::shared_ptr<const T> found = topology.Get<T>(key)) tables.of<T>().Put(std::move(found));
}

bool SameBest(const BaselineView::PortBest& a, const BaselineView::PortBest& b) {
  return a.widest == b.widest && a.fastest == b.fastest;
}

}  // namespace

Examiner::Examiner() = default;
Examiner::~Examiner() = default;

// --------------------------------------------------------------------------------------- Places

Examiner::Place Examiner::PlaceOf(const LogicalUnit& unit) {
  if (unit.enclosure == EnclosureKey()) return unit.id;
  return unit.enclosure;
}

Examiner::Place Examiner::LinkPlaceOf(const ResourceId& id) const {
  switch (KindOf(id)) {
    case ResourceKind::kHost:
      return OwnerPlace{NodeKey::Host(std::get<registry::IndexOf<Host>()>(id))};
    case ResourceKind::kPhy:
      return OwnerPlace{std::get<registry::IndexOf<Phy>()>(id).owner};
    case ResourceKind::kPort:
      return OwnerPlace{std::get<registry::IndexOf<Port>()>(id).owner};
    case ResourceKind::kExpander:
      return OwnerPlace{std::get<registry::IndexOf<Expander>()>(id)};
    case ResourceKind::kEndDevice: {
      const NodeKey& key = std::get<registry::IndexOf<EndDevice>()>(id);
      const EndDevice* device = after_->collection<EndDevice>().Find(key);
      return OwnerPlace{device == nullptr ? key : device->facts.parent};
    }
    case ResourceKind::kLogicalUnit:
    case ResourceKind::kEnclosure:
    case ResourceKind::kSlot:
      break;
  }
  return OwnerPlace{};
}

Examiner::Place Examiner::DevicePlaceOf(const ResourceId& id) {
  return DevicePlace{std::get<registry::IndexOf<EndDevice>()>(id)};
}

Examiner::Place Examiner::UnitPlaceOf(const ResourceId& id) const {
  if (KindOf(id) == ResourceKind::kEnclosure) return std::get<registry::IndexOf<Enclosure>()>(id);
  const LogicalUnitKey& key = std::get<registry::IndexOf<LogicalUnit>()>(id);
  const LogicalUnit* unit = after_->collection<LogicalUnit>().Find(key);
  return unit == nullptr ? Place(key) : PlaceOf(*unit);
}

// ---------------------------------------------------------------------------- What is to examine

void Examiner::MarkHost(const Host* before, const Host* after) {
  if (before == nullptr || after == nullptr || !SameButDiscovery(*before, *after)) {
    all_marked_ = true;
    return;
  }
  const NodeKey key = NodeKey::Host(after->key());
  marked_.insert(OwnerPlace{key});
  const auto mark = [&](const Place& place) {
    const auto* owner = std::get_if<OwnerPlace>(&place);
    const auto* device = std::get_if<DevicePlace>(&place);
    const bool is_on_host = (owner != nullptr && owner->key.host == key.host) ||
                            (device != nullptr && device->key.host == key.host);
    if (is_on_host) marked_.insert(place);
  };
  for (const auto& [place, findings] : found_) mark(place);
  for (const auto& [place, time] : again_) mark(place);
}

void Examiner::MarkReaders(
    const absl::flat_hash_map<NodeKey, absl::flat_hash_set<NodeKey>>& readers,
    const NodeKey& node) {
  const auto it = readers.find(node);
  if (it == readers.end()) return;
  for (const NodeKey& owner : it->second) marked_.insert(OwnerPlace{owner});
}

// What leads to the node, before and after.
void Examiner::MarkParents(const NodeKey& node) {
  for (const Topology* topology : {before_, after_}) {
    if (const Expander* expander = topology->collection<Expander>().Find(node)) {
      marked_.insert(OwnerPlace{expander->facts.parent});
    }
    if (const EndDevice* device = topology->collection<EndDevice>().Find(node)) {
      marked_.insert(OwnerPlace{device->facts.parent});
    }
  }
}

// A phy or port of the owner has changed.
void Examiner::MarkLinksOf(const NodeKey& owner) {
  if (all_marked_) return;
  marked_.insert(OwnerPlace{owner});
  MarkParents(owner);
  MarkReaders(link_readers_, owner);
}

void Examiner::MarkUnit(const LogicalUnitKey& key) {
  for (const Topology* topology : {before_, after_}) {
    const LogicalUnit* unit = topology->collection<LogicalUnit>().Find(key);
    if (unit != nullptr) marked_.insert(PlaceOf(*unit));
  }
}

void Examiner::CountMember(const LogicalUnit* before, const LogicalUnit* after) {
  const EnclosureKey was = before == nullptr ? EnclosureKey() : before->enclosure;
  const EnclosureKey is = after == nullptr ? EnclosureKey() : after->enclosure;
  if (was == is) return;
  if (was != EnclosureKey()) {
    const auto it = members_.find(was);
    it->second.erase(before->id);
    if (it->second.empty()) members_.erase(it);
  }
  if (is != EnclosureKey()) members_[is].insert(after->id);
}

void Examiner::Compare(const Topology& before, const Topology& after) {
  const auto visit = [&](auto tag, auto mark) {
    using T = std::remove_const_t<typename decltype(tag)::element_type>;
    CowMap<T>::VisitDifferences(
        before.collection<T>(), after.collection<T>(),
        [&mark](const auto& was, const auto& is) { mark(was.get(), is.get()); });
  };
  visit(std::shared_ptr<const Host>(),
        [this](const Host* was, const Host* is) { MarkHost(was, is); });
  visit(std::shared_ptr<const Expander>(), [this](const Expander* was, const Expander* is) {
    if (all_marked_) return;
    const NodeKey& key = (is != nullptr ? is : was)->key();
    marked_.insert(OwnerPlace{key});
    MarkParents(key);
    MarkReaders(node_readers_, key);
    MarkReaders(link_readers_, key);
  });
  visit(std::shared_ptr<const Phy>(), [this](const Phy* was, const Phy* is) {
    MarkLinksOf((is != nullptr ? is : was)->key().owner);
  });
  visit(std::shared_ptr<const Port>(), [this](const Port* was, const Port* is) {
    MarkLinksOf((is != nullptr ? is : was)->key().owner);
  });
  visit(std::shared_ptr<const EndDevice>(), [this](const EndDevice* was, const EndDevice* is) {
    if (all_marked_) return;
    const NodeKey& key = (is != nullptr ? is : was)->key();
    marked_.insert(DevicePlace{key});
    MarkParents(key);
    MarkReaders(node_readers_, key);
    MarkReaders(link_readers_, key);
    for (const EndDevice* device : {was, is}) {
      if (device == nullptr) continue;
      for (const registry::UnitPathPtr& path : device->units) MarkUnit(path->unit);
    }
  });
  visit(std::shared_ptr<const LogicalUnit>(),
        [this](const LogicalUnit* was, const LogicalUnit* is) {
          CountMember(was, is);
          if (all_marked_) return;
          if (was != nullptr) marked_.insert(PlaceOf(*was));
          if (is != nullptr) marked_.insert(PlaceOf(*is));
        });
  visit(std::shared_ptr<const Enclosure>(), [this](const Enclosure* was, const Enclosure* is) {
    marked_.insert((is != nullptr ? is : was)->key());
  });
}

void Examiner::CompareBaseline(const BaselineView& baseline) {
  if (baseline.version != baseline_version_) {
    for (const auto& [port, best] : baseline.best) {
      const auto was = best_.find(port);
      if (was == best_.end() || !SameBest(was->second, best)) {
        marked_.insert(OwnerPlace{port.owner});
      }
    }
    for (const auto& [port, best] : best_) {
      if (!baseline.best.contains(port)) marked_.insert(OwnerPlace{port.owner});
    }
    best_ = baseline.best;
    baseline_version_ = baseline.version;
  }
  if (baseline.missing == missing_) return;
  missing_ = baseline.missing;
  absl::flat_hash_map<LogicalUnitKey, std::vector<MissingPtr>> lost;
  for (const MissingPtr& missing : missing_) {
    if (KindOf(missing->id) != ResourceKind::kEndDevice) continue;
    for (const LogicalUnitKey& unit : missing->units) lost[unit].push_back(missing);
  }
  for (const auto& [unit, paths] : lost) {
    const auto was = lost_paths_.find(unit);
    if (was == lost_paths_.end() || was->second != paths) MarkUnit(unit);
  }
  for (const auto& [unit, paths] : lost_paths_) {
    if (!lost.contains(unit)) MarkUnit(unit);
  }
  lost_paths_ = std::move(lost);
}

void Examiner::MarkWaiting(absl::Time now) {
  for (const auto& [place, time] : again_) {
    if (time <= now) marked_.insert(place);
  }
}

// ------------------------------------------------------------------------------ The examination

Report Examiner::Examine(std::shared_ptr<const Topology> topology, BaselineView baseline,
                         const DismissalMap& dismissals, const HealthCriteria& criteria,
                         const NodeFacts& facts, std::vector<Finding> trends) {
  DropPresent(*topology, baseline.missing);
  const bool is_first = topology_ == nullptr || &topology_->sources() != &topology->sources() ||
                        attach_grace_ != criteria.attach_grace;
  const Topology nothing({}, 0, "", topology->sources());
  before_ = topology_ == nullptr ? &nothing : topology_.get();
  after_ = topology.get();
  marked_.clear();
  all_marked_ = is_first || criteria.now < last_;
  Compare(*before_, *after_);
  CompareBaseline(baseline);
  MarkWaiting(criteria.now);
  const Examined whole{*topology, baseline, facts, criteria.now, criteria.attach_grace};
  if (all_marked_) {
    ExamineAll(whole);
  } else {
    ExamineMarked(whole);
  }
  std::vector<Finding> findings = std::move(trends);
  BeginReport(whole, findings);
  size_t before_units = findings.size();
  for (const auto& [place, found] : found_) {
    findings.insert(findings.end(), found.begin(), found.end());
    const bool is_of_units =
        !std::holds_alternative<OwnerPlace>(place) && !std::holds_alternative<DevicePlace>(place);
    if (!is_of_units) before_units = findings.size();
  }
  // In the order of units, as the rules find them: the losses list them in this order.
  std::stable_sort(
      findings.begin() + static_cast<std::ptrdiff_t>(before_units), findings.end(),
      [](const Finding& a, const Finding& b) { return a.id.resource < b.id.resource; });
  Report report = CompleteReport(whole, dismissals, std::move(findings));
  last_ = criteria.now;
  attach_grace_ = criteria.attach_grace;
  before_ = after_ = nullptr;
  topology_ = std::move(topology);
  return report;
}

template <typename PlaceOfId>
void Examiner::Keep(std::vector<Finding> findings, const Waiting& again, PlaceOfId place_of) {
  for (Finding& finding : findings) {
    Place place = place_of(*finding.id.resource);
    if (all_marked_ || marked_.contains(place)) {
      found_[std::move(place)].push_back(std::move(finding));
    }
  }
  for (const auto& [id, time] : again) {
    Place place = place_of(id);
    if (!all_marked_ && !marked_.contains(place)) continue;
    const auto [it, is_new] = again_.try_emplace(std::move(place), time);
    if (!is_new) it->second = std::min(it->second, time);
  }
}

void Examiner::ExamineAll(const Examined& whole) {
  found_.clear();
  again_.clear();
  node_readers_.clear();
  link_readers_.clear();
  reads_.clear();
  examined_places_ = whole.topology.size();
  for (const auto& host : after_->collection<Host>()) NoteReader(NodeKey::Host(host->key()));
  for (const auto& expander : after_->collection<Expander>()) NoteReader(expander->key());
  // An owner that is not known itself.
  const NodeKey* last = nullptr;
  for (const auto& port : after_->collection<Port>()) {
    const NodeKey& owner = port->id.owner;
    if (last != nullptr && *last == owner) continue;
    last = &owner;
    if (!reads_.contains(owner)) NoteReader(owner);
  }
  const auto run = [&](auto rules, auto place_of) {
    std::vector<Finding> findings;
    Waiting again;
    Examined examined = whole;
    examined.again = &again;
    rules(examined, findings);
    Keep(std::move(findings), again, place_of);
  };
  run([](const Examined& e, auto& findings) { health::ExamineLinks(e, findings); },
      [this](const ResourceId& id) { return LinkPlaceOf(id); });
  run([](const Examined& e, auto& findings) { ExamineDevices(e, findings); }, &DevicePlaceOf);
  run([](const Examined& e, auto& findings) { ExaminePaths(e, findings); },
      [this](const ResourceId& id) { return UnitPlaceOf(id); });
}

void Examiner::ExamineMarked(const Examined& whole) {
  examined_places_ = marked_.size();
  if (marked_.empty()) return;
  for (const Place& place : marked_) {
    found_.erase(place);
    again_.erase(place);
  }
  ExamineLinks(whole);
  ExamineEndDevices(whole);
  ExamineUnits(whole);
}

void Examiner::ExamineLinks(const Examined& whole) {
  Tables tables;
  BaselineView baseline;
  bool any = false;
  for (const Place& place : marked_) {
    const auto* owner = std::get_if<OwnerPlace>(&place);
    if (owner == nullptr) continue;
    any = true;
    AddOwner(owner->key, tables);
    if (whole.baseline.best.empty()) continue;
    after_->VisitPortsOf(owner->key, [&](const std::shared_ptr<const Port>& port) {
      const auto best = whole.baseline.best.find(port->id);
      if (best != whole.baseline.best.end()) baseline.best.insert(*best);
    });
  }
  if (!any) return;
  tables.of<Host>() = after_->collection<Host>();
  baseline.settled = whole.baseline.settled;
  const Topology part(std::move(tables), after_->revision(), "", after_->sources());
  std::vector<Finding> findings;
  Waiting again;
  health::ExamineLinks({part, baseline, whole.facts, whole.now, whole.attach_grace, &again},
                       findings);
  Keep(std::move(findings), again, [this](const ResourceId& id) { return LinkPlaceOf(id); });
}

void Examiner::ExamineEndDevices(const Examined& whole) {
  Tables tables;
  for (const Place& place : marked_) {
    if (const auto* device = std::get_if<DevicePlace>(&place)) {
      Add<EndDevice>(*after_, device->key, tables);
    }
  }
  if (tables.of<EndDevice>().empty()) return;
  tables.of<Host>() = after_->collection<Host>();
  const Topology part(std::move(tables), after_->revision(), "", after_->sources());
  BaselineView baseline;
  baseline.settled = whole.baseline.settled;
  std::vector<Finding> findings;
  Waiting again;
  ExamineDevices({part, baseline, whole.facts, whole.now, whole.attach_grace, &again}, findings);
  Keep(std::move(findings), again, &DevicePlaceOf);
}

void Examiner::ExamineUnits(const Examined& whole) {
  Tables tables;
  BaselineView baseline;
  const auto add = [&](const LogicalUnitKey& key) {
    const std::shared_ptr<const LogicalUnit> unit = after_->Get<LogicalUnit>(key);
    if (unit == nullptr || tables.of<LogicalUnit>().Find(key) != nullptr) return;
    for (const LogicalUnit::Path& path : unit->paths) Add<EndDevice>(*after_, path.device, tables);
    tables.of<LogicalUnit>().Put(unit);
    const auto lost = lost_paths_.find(key);
    if (lost == lost_paths_.end()) return;
    baseline.missing.insert(baseline.missing.end(), lost->second.begin(), lost->second.end());
  };
  for (const Place& place : marked_) {
    if (const auto* unit = std::get_if<LogicalUnitKey>(&place)) add(*unit);
    const auto* enclosure = std::get_if<EnclosureKey>(&place);
    if (enclosure == nullptr) continue;
    Add<Enclosure>(*after_, *enclosure, tables);
    const auto members = members_.find(*enclosure);
    if (members == members_.end()) continue;
    for (const LogicalUnitKey& unit : members->second) add(unit);
  }
  if (tables.of<LogicalUnit>().empty()) return;
  tables.of<Host>() = after_->collection<Host>();
  baseline.settled = whole.baseline.settled;
  std::sort(baseline.missing.begin(), baseline.missing.end(),
            [](const MissingPtr& a, const MissingPtr& b) { return a->id < b->id; });
  // A path of a drive with several units came with each of them.
  baseline.missing.erase(std::unique(baseline.missing.begin(), baseline.missing.end()),
                         baseline.missing.end());
  const Topology part(std::move(tables), after_->revision(), "", after_->sources());
  std::vector<Finding> findings;
  Waiting again;
  ExaminePaths({part, baseline, whole.facts, whole.now, whole.attach_grace, &again}, findings);
  Keep(std::move(findings), again, [this](const ResourceId& id) { return UnitPlaceOf(id); });
}

// ------------------------------------------------------------------------------- Parts of a
// topology

void Examiner::AddLinksOf(const NodeKey& owner, Tables& tables) const {
  after_->VisitPhysOf(owner, [&](const auto& phy) { tables.of<Phy>().Put(phy); });
  after_->VisitPortsOf(owner, [&](const auto& port) { tables.of<Port>().Put(port); });
}

// Whether the node at the other end has the port's owner as its parent.
bool Examiner::IsBelow(const Port& port) const {
  if (port.attached.kind == AttachedNode::Kind::kExpander) {
    const Expander* expander = after_->collection<Expander>().Find(port.attached_key());
    return expander != nullptr && expander->facts.parent == port.id.owner;
  }
  const EndDevice* device = after_->collection<EndDevice>().Find(port.attached_key());
  return device != nullptr && device->facts.parent == port.id.owner;
}

void Examiner::AddOwner(const NodeKey& owner, Tables& tables) {
  ForgetReader(owner);
  NoteReader(owner);
  Add<Expander>(*after_, owner, tables);
  AddLinksOf(owner, tables);
  after_->VisitPortsOf(owner, [&](const std::shared_ptr<const Port>& port) {
    const NodeKey other = port->attached_key();
    if (port->attached.kind == AttachedNode::Kind::kHost) return;
    Add<Expander>(*after_, other, tables);
    Add<EndDevice>(*after_, other, tables);
    // Of an expander that is not below, only who its parent is matters.
    if (port->attached.kind != AttachedNode::Kind::kExpander || IsBelow(*port)) {
      AddLinksOf(other, tables);
    }
  });
}

// Of what lies below it, an owner learns by MarkParents().
void Examiner::NoteReader(const NodeKey& owner) {
  std::vector<NodeKey> reads;
  after_->VisitPortsOf(owner, [&](const std::shared_ptr<const Port>& port) {
    if (port->attached.kind == AttachedNode::Kind::kHost || IsBelow(*port)) return;
    const NodeKey other = port->attached_key();
    reads.push_back(other);
    const bool is_expander = port->attached.kind == AttachedNode::Kind::kExpander;
    (is_expander ? node_readers_ : link_readers_)[other].insert(owner);
  });
  if (!reads.empty()) reads_[owner] = std::move(reads);
}

void Examiner::ForgetReader(const NodeKey& owner) {
  const auto it = reads_.find(owner);
  if (it == reads_.end()) return;
  for (const NodeKey& node : it->second) {
    for (auto* readers : {&node_readers_, &link_readers_}) {
      const auto entry = readers->find(node);
      if (entry == readers->end()) continue;
      entry->second.erase(owner);
      if (entry->second.empty()) readers->erase(entry);
    }
  }
  reads_.erase(it);
}

}  // namespace sasd::health
