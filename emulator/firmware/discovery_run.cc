#include "emulator/firmware/discovery_run.h"

#include <algorithm>
#include <utility>

namespace sasd::emulator {
namespace {

using EnclosureChange = mpi::EnclosureStatusChange;
using mpi::ExpanderStatus;
using mpi::PhyReason;

constexpr uint32_t kStatusMaxDevices = 0x20000000;  // mpi2_cnfg.h, MPI2_SAS_DISC_STATUS_MAX_...

// The link's code in a topology entry: its rate, or why it is down.
uint8_t WireRate(const PhyLink& link) { return static_cast<uint8_t>(link.rate); }

bool IsUp(uint8_t rate) { return IsLinkUp(static_cast<LinkRate>(rate)); }

}  // namespace

DiscoveryRun::DiscoveryRun(const FabricState& fabric, ReportedTopology& topology,
                           const Options& options, std::vector<mpi::EventData>& events)
    : fabric_(fabric),
      topology_(topology),
      options_(options),
      events_(events),
      status_(options.status) {}

void DiscoveryRun::Begin() {
  if (begun_) return;
  begun_ = true;
  mpi::DiscoveryEvent event;
  event.flags = mpi::DiscoveryEvent::kFlagInProgress;
  event.reason = mpi::DiscoveryEvent::kStarted;
  events_.push_back(event);
}

void DiscoveryRun::Complete() {
  if (!begun_) return;
  mpi::DiscoveryEvent event;
  if (changed_) event.flags = mpi::DiscoveryEvent::kFlagDeviceChange;
  event.reason = mpi::DiscoveryEvent::kCompleted;
  event.status = status_;
  events_.push_back(event);
}

void DiscoveryRun::RunFull() {
  Begin();
  if (!topology_.discovered()) ReportEnclosure(kBoardEnclosure, kNoIndex, EnclosureChange::kAdded);
  for (uint16_t handle : topology_.NodeHandles()) {  // before the loop: the known nodes
    const ReportedNode* const node = topology_.Node(handle);
    if (node == nullptr || !IsObservable(handle)) continue;
    std::vector<uint8_t> phys(node->phys.size());
    for (size_t i = 0; i < phys.size(); ++i) phys[i] = static_cast<uint8_t>(i);
    ExamineNode(handle, phys);
  }
  topology_.handles().EndRenumbering();
  topology_.set_discovered();
  Complete();
}

void DiscoveryRun::Examine(absl::Span<const PhyRef> phys) {
  // Parents first: nodes behind a lost expander are not examined.
  std::vector<std::pair<std::pair<uint8_t, uint16_t>, uint8_t>> known;  // ((level, handle), phy)
  for (const PhyRef& phy : phys) {
    const uint16_t handle = topology_.NodeHandle(phy.node);
    if (handle != 0) known.push_back({{topology_.Node(handle)->level, handle}, phy.phy});
  }
  std::sort(known.begin(), known.end());
  known.erase(std::unique(known.begin(), known.end()), known.end());
  for (size_t i = 0; i < known.size();) {
    const auto node = known[i].first;
    std::vector<uint8_t> of_node;
    for (; i < known.size() && known[i].first == node; ++i) of_node.push_back(known[i].second);
    const ReportedNode* const now = topology_.Node(node.second);
    if (now != nullptr && now->level == node.first && IsObservable(node.second)) {
      ExamineNode(node.second, of_node);
    }
  }
  Complete();
}

void DiscoveryRun::ExpireMissing() {
  while (const uint16_t handle = topology_.TakeExpired(options_.now)) {
    const HandleEntry* const entry = topology_.handles().Find(handle);
    if (entry == nullptr || entry->state != HandleEntry::State::kMissing) continue;
    ReportedNode& parent = *topology_.Node(entry->parent);
    List list;
    list.node = parent.handle;
    bool first = true;
    Begin();
    for (size_t i = 0; i < parent.phys.size(); ++i) {
      if (parent.phys[i].handle != handle) continue;
      list.changes.push_back({static_cast<uint8_t>(i), handle, parent.phys[i].rate, 0,
                              first ? PhyReason::kTargetNotResponding : PhyReason::kPhyChanged});
      parent.phys[i].handle = 0;
      first = false;
    }
    Remove(handle);
    Report(list);
    ReportGoneEnclosures();
  }
  Complete();
}

// False below a missing expander: nothing can be observed through it.
bool DiscoveryRun::IsObservable(uint16_t handle) const {
  const HandleEntry* entry = topology_.handles().Find(handle);
  while (entry != nullptr && entry->kind == HandleEntry::Kind::kExpander) {
    if (entry->state != HandleEntry::State::kPresent) return false;
    entry = topology_.handles().Find(entry->parent);
  }
  return entry != nullptr;
}

uint16_t DiscoveryRun::ParentOf(const ReportedNode& node) const {
  return topology_.handles().Find(node.handle)->parent;
}

void DiscoveryRun::ExamineNode(uint16_t handle, const std::vector<uint8_t>& phys) {
  ReportedNode& node = *topology_.Node(handle);
  List losses, gains;
  losses.node = gains.node = handle;
  FindLosses(node, phys, losses);
  if (!losses.changes.empty()) {
    Report(losses);
    ReportGoneEnclosures();
  }
  gains.whole = !topology_.discovered() && node.level == 0;
  FindGains(node, phys, gains);
  if (!gains.changes.empty() || gains.whole) Report(gains);
  FinishAdopted();
  while (!returned_.empty()) {
    const uint16_t back = returned_.back();
    returned_.pop_back();
    std::vector<uint8_t> all(topology_.Node(back)->phys.size());
    for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint8_t>(i);
    ExamineNode(back, all);
  }
}

// Whether the other end of `link` is the element that `handle` stands for.
bool DiscoveryRun::Matches(const ReportedNode& node, uint16_t handle, const PhyLink& link) const {
  const HandleEntry* const entry = topology_.handles().Find(handle);
  if (entry == nullptr) return false;
  const bool is_parent = node.level > 0 && handle == ParentOf(node);
  switch (entry->kind) {
    case HandleEntry::Kind::kHba:
      return is_parent && link.peer == PhyLink::Peer::kHost && link.peer_index == entry->element;
    case HandleEntry::Kind::kInitiator:
      return link.peer == PhyLink::Peer::kHost && link.peer_index == entry->element;
    case HandleEntry::Kind::kExpander:
      return link.peer == PhyLink::Peer::kExpander && link.peer_index == entry->element;
    case HandleEntry::Kind::kDevice:
      return link.peer == PhyLink::Peer::kDevice && link.peer_index == entry->element &&
             link.peer_phy == entry->device_port &&
             fabric_.device_generation(entry->element) == entry->generation;
  }
  return false;
}

void DiscoveryRun::FindLosses(ReportedNode& node, const std::vector<uint8_t>& phys, List& list) {
  struct Lost {
    std::vector<Change> changes;
    bool replaced = false;
  };
  std::vector<std::pair<uint16_t, Lost>> lost;  // in order of the first phy
  for (uint8_t phy : phys) {
    ReportedPhy& known = node.phys[phy];
    if (known.handle == 0) continue;
    const PhyLink link = fabric_.Link({node.ref, phy});
    const bool matches = link.up() && Matches(node, known.handle, link);
    if (matches) continue;
    // A missing device has its deadline already, unless it left while its expander was missing, or
    // another device has taken its place.
    const HandleEntry* const entry = topology_.handles().Find(known.handle);
    const bool waits = !known.up() && entry->state == HandleEntry::State::kMissing &&
                       topology_.IsMissing(known.handle);
    if (waits && !link.up()) {
      // Disabled or enabled again since the last look.
      const uint8_t rate = WireRate(link);
      if (rate == known.rate) continue;
      Begin();
      list.changes.push_back({phy, known.handle, rate, known.rate, PhyReason::kPhyChanged});
      known.rate = rate;
      continue;
    }
    auto it = std::find_if(lost.begin(), lost.end(),
                           [&](const auto& l) { return l.first == known.handle; });
    if (it == lost.end()) it = lost.insert(lost.end(), {known.handle, Lost()});
    const uint8_t rate = link.up() ? 0 : WireRate(link);
    it->second.changes.push_back({phy, known.handle, rate, known.rate, PhyReason::kPhyChanged});
    it->second.replaced |= link.up() || !known.up();
    known.rate = rate;
    known.change_count = fabric_.change_count({node.ref, phy});
  }
  for (auto& [handle, what] : lost) LosePhys(node, handle, what.changes, what.replaced, list);
  std::sort(list.changes.begin(), list.changes.end(),
            [](const Change& a, const Change& b) { return a.phy < b.phy; });
}

// Some phys of `node` no longer lead to `handle`: a port has fewer lanes, or none.
void DiscoveryRun::LosePhys(ReportedNode& node, uint16_t handle, const std::vector<Change>& lost,
                            bool replaced, List& list) {
  Begin();
  const size_t first = list.changes.size();
  list.changes.insert(list.changes.end(), lost.begin(), lost.end());
  const auto leads_there = [handle](const ReportedPhy& p) { return p.handle == handle && p.up(); };
  const auto remaining = std::find_if(node.phys.begin(), node.phys.end(), leads_there);
  HandleEntry& entry = *topology_.handles().Find(handle);
  const bool is_parent = node.level > 0 && handle == ParentOf(node);
  if (is_parent || remaining != node.phys.end()) {
    for (const Change& change : lost) node.phys[change.phy].handle = 0;
    if (!is_parent) entry.parent_phy = static_cast<uint8_t>(remaining - node.phys.begin());
    return;
  }
  if (options_.missing_delay > absl::ZeroDuration() && !replaced) {
    list.changes[first].reason = PhyReason::kDelayNotResponding;
    Miss(handle);
    return;
  }
  list.changes[first].reason = PhyReason::kTargetNotResponding;
  for (ReportedPhy& phy : node.phys) {
    if (phy.handle == handle) phy.handle = 0;
  }
  topology_.ClearMissing(handle);
  Remove(handle);
}

void DiscoveryRun::Miss(uint16_t handle) {
  HandleEntry& entry = *topology_.handles().Find(handle);
  entry.state = HandleEntry::State::kMissing;
  topology_.SetMissing(handle, options_.now + options_.missing_delay);
  if (entry.kind == HandleEntry::Kind::kExpander) MissBelow(handle);
}

// All devices behind a missing expander are missing too, without their own deadlines.
void DiscoveryRun::MissBelow(uint16_t expander) {
  ReportedNode& node = *topology_.Node(expander);
  const uint16_t parent = ParentOf(node);
  List list;
  list.node = expander;
  list.status = ExpanderStatus::kDelayNotResponding;
  for (size_t i = 0; i < node.phys.size(); ++i) {
    ReportedPhy& phy = node.phys[i];
    if (phy.handle == 0 || !phy.up()) continue;
    if (phy.handle == parent) continue;  // the host knows the expander by the other end
    const uint8_t previous = std::exchange(phy.rate, uint8_t{0});
    HandleEntry& child = *topology_.handles().Find(phy.handle);
    const bool first = child.state == HandleEntry::State::kPresent;
    child.state = HandleEntry::State::kMissing;
    list.changes.push_back({static_cast<uint8_t>(i), phy.handle, 0, previous,
                            first ? PhyReason::kDelayNotResponding : PhyReason::kPhyChanged});
    if (first && child.kind == HandleEntry::Kind::kExpander) MissBelow(phy.handle);
  }
  Report(list);
}

void DiscoveryRun::Remove(uint16_t handle) {
  if (topology_.handles().Find(handle)->kind == HandleEntry::Kind::kExpander) RemoveBelow(handle);
  Retire(handle);
}

void DiscoveryRun::RemoveBelow(uint16_t expander) {
  ReportedNode& node = *topology_.Node(expander);
  const uint16_t parent = ParentOf(node);
  std::vector<uint16_t> later;  // expanders behind this one whose lists follow its own
  List list;
  list.node = expander;
  list.status = ExpanderStatus::kNotResponding;
  for (size_t i = 0; i < node.phys.size(); ++i) {
    const ReportedPhy phy = node.phys[i];
    if (phy.handle == 0 || phy.handle == parent) continue;
    const bool first = topology_.handles().Find(phy.handle)->alive();
    list.changes.push_back({static_cast<uint8_t>(i), phy.handle, 0, phy.rate,
                            first ? PhyReason::kTargetNotResponding : PhyReason::kPhyChanged});
    topology_.ClearMissing(phy.handle);
    if (!first) continue;
    const HandleEntry::Kind kind = topology_.handles().Find(phy.handle)->kind;
    if (options_.deepest_first || kind != HandleEntry::Kind::kExpander) {
      Remove(phy.handle);
      continue;
    }
    Retire(phy.handle);
    later.push_back(phy.handle);
  }
  Report(list);
  topology_.DropNode(expander);
  for (uint16_t below : later) RemoveBelow(below);
}

// The handle waits for the removal handshake.
void DiscoveryRun::Retire(uint16_t handle) {
  HandleEntry& entry = *topology_.handles().Find(handle);
  entry.state = HandleEntry::State::kGone;
  if (entry.enclosure == 0) return;
  const auto it = topology_.enclosures().find(entry.enclosure);
  if (it == topology_.enclosures().end()) return;
  if (it->second.sep_handle == handle) topology_.SetSep(entry.enclosure, 0);
  const uint32_t index = it->second.index;
  if (topology_.LeaveEnclosure(entry.enclosure)) {
    gone_enclosures_.push_back({entry.enclosure, index});
  }
}

void DiscoveryRun::FindGains(ReportedNode& node, const std::vector<uint8_t>& phys, List& list) {
  for (uint8_t phy : phys) {
    ReportedPhy& known = node.phys[phy];
    const PhyLink link = fabric_.Link({node.ref, phy});
    const uint8_t count = fabric_.change_count({node.ref, phy});
    if (!link.up()) {
      if (known.handle != 0) continue;
      const uint8_t previous = known.rate;
      known = {0, WireRate(link), count};
      if (known.rate == previous) continue;
      Begin();  // disabled or enabled, without a device at the other end
      list.changes.push_back({phy, 0, known.rate, previous, PhyReason::kPhyChanged});
      continue;
    }
    Change change{phy, known.handle, WireRate(link), known.rate, PhyReason::kPhyChanged};
    if (known.handle != 0 && known.up()) {
      if (known.rate == change.rate && known.change_count == count) continue;
    } else {
      change.handle = KnownChild(node, phy, link);
      if (change.handle == 0) {
        change.handle = Adopt(node, phy, link, list);
        change.reason = PhyReason::kTargetAdded;
      } else {
        Return(change.handle);
        HandleEntry& entry = *topology_.handles().Find(change.handle);
        if (entry.parent == node.handle) entry.parent_phy = std::min(entry.parent_phy, phy);
      }
    }
    if (!IsUp(change.previous_rate)) change.previous_rate = known.rate;
    known = {change.handle, change.rate, count};
    if (change.handle == 0) continue;  // no free handle was left for it
    Begin();
    list.changes.push_back(change);
  }
}

// The handle of the element at the other end of `link` if it is known as attached to `node`.
uint16_t DiscoveryRun::KnownChild(const ReportedNode& node, uint8_t phy,
                                  const PhyLink& link) const {
  if (link.peer == PhyLink::Peer::kDevice) {
    const uint16_t handle = node.phys[phy].handle;
    return handle != 0 && Matches(node, handle, link) ? handle : 0;
  }
  if (node.level > 0 && Matches(node, ParentOf(node), link)) return ParentOf(node);
  for (const ReportedPhy& other : node.phys) {  // another lane of the same port
    if (other.handle != 0 && Matches(node, other.handle, link)) return other.handle;
  }
  return 0;
}

uint16_t DiscoveryRun::Adopt(const ReportedNode& node, uint8_t phy, const PhyLink& link,
                             List& list) {
  HandleEntry entry = EntryFor(node, phy, link);
  const uint16_t handle = topology_.handles().Allocate(entry);
  if (handle == 0) {
    status_ |= kStatusMaxDevices;
    return 0;
  }
  HandleEntry& stored = *topology_.handles().Find(handle);
  Enclose(stored, list);
  if (stored.kind == HandleEntry::Kind::kExpander) {
    const NodeRef ref{false, stored.element};
    topology_.AddNode(handle, ref, static_cast<uint8_t>(node.level + 1), fabric_.phy_count(ref));
    adopted_.push_back(handle);
  } else if (stored.kind == HandleEntry::Kind::kDevice && stored.enclosure != 0 &&
             fabric_.model_of(stored.element).type == DeviceModel::Type::kEnclosure) {
    topology_.SetSep(stored.enclosure, handle);
  }
  return handle;
}

HandleEntry DiscoveryRun::EntryFor(const ReportedNode& node, uint8_t phy,
                                   const PhyLink& link) const {
  HandleEntry entry;
  entry.state = HandleEntry::State::kPresent;
  entry.parent = node.handle;
  entry.parent_phy = phy;
  entry.port =
      node.level == 0 ? topology_.PortOf(phy) : topology_.handles().Find(node.handle)->port;
  entry.element = link.peer_index;
  entry.address = fabric_.PeerAddress(link);
  switch (link.peer) {
    case PhyLink::Peer::kExpander:
      entry.kind = HandleEntry::Kind::kExpander;
      break;
    case PhyLink::Peer::kHost:
      entry.kind = HandleEntry::Kind::kInitiator;
      break;
    case PhyLink::Peer::kDevice:
    case PhyLink::Peer::kNone:
      entry.kind = HandleEntry::Kind::kDevice;
      entry.device_port = link.peer_phy;
      entry.generation = fabric_.device_generation(link.peer_index);
      break;
  }
  return entry;
}

// Puts an element into its enclosure. A device at the HBA without one is in the board's enclosure.
void DiscoveryRun::Enclose(HandleEntry& entry, List& list) {
  uint32_t index = kNoIndex;
  if (entry.kind == HandleEntry::Kind::kInitiator) return;
  if (entry.kind == HandleEntry::Kind::kExpander) index = fabric_.expander(entry.element).enclosure;
  if (entry.kind == HandleEntry::Kind::kDevice) index = fabric_.device(entry.element).enclosure;
  const bool on_board =
      entry.kind == HandleEntry::Kind::kDevice && index == kNoIndex && entry.parent == kHbaHandle;
  if (index == kNoIndex && !on_board) return;
  bool is_new = false;
  entry.enclosure = topology_.UseEnclosure(index, is_new);
  if (is_new) list.new_enclosures.push_back(entry.enclosure);
}

void DiscoveryRun::Return(uint16_t handle) {
  HandleEntry& entry = *topology_.handles().Find(handle);
  if (entry.state != HandleEntry::State::kMissing) return;
  entry.state = HandleEntry::State::kPresent;
  topology_.ClearMissing(handle);
  // The phys that led to the device last no longer do; the caller finds the present ones next.
  for (ReportedPhy& phy : topology_.Node(entry.parent)->phys) {
    if (phy.handle == handle && !phy.up()) phy.handle = 0;
  }
  if (entry.kind == HandleEntry::Kind::kExpander) returned_.push_back(handle);
}

void DiscoveryRun::FinishAdopted() {
  std::vector<List> lists;
  for (size_t i = 0; i < adopted_.size(); ++i) lists.push_back(Populate(adopted_[i]));
  adopted_.clear();
  for (const List& list : lists) Report(list);
}

// The first look at a new expander: all its phys.
DiscoveryRun::List DiscoveryRun::Populate(uint16_t expander) {
  ReportedNode& node = *topology_.Node(expander);
  List list;
  list.node = expander;
  list.whole = true;
  list.status = ExpanderStatus::kAdded;
  std::vector<uint8_t> all(node.phys.size());
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint8_t>(i);
  FindGains(node, all, list);
  return list;
}

}  // namespace sasd::emulator
