// How a discovery run reports its changes.
#include <algorithm>

#include "emulator/firmware/discovery_run.h"

namespace sasd::emulator {

using mpi::ExpanderStatus;

void DiscoveryRun::Report(const List& list) {
  changed_ = true;
  for (uint16_t enclosure : list.new_enclosures) {
    const uint32_t index = topology_.enclosures().at(enclosure).index;
    ReportEnclosure(enclosure, index, mpi::EnclosureStatusChange::kAdded);
  }
  const ReportedNode& node = *topology_.Node(list.node);
  const std::vector<Change> changes = FillGaps(node, list);
  // One event if it fits, else several. The first event reports a new expander as added, the last
  // one reports a lost expander as gone.
  size_t end = 0;
  do {
    const size_t first = end;
    end = std::min(first + options_.max_entries, changes.size());
    mpi::TopologyChangeList event = ListHeader(node);
    if (node.level == 0 && !changes.empty()) {  // one port's phys at a time
      event.port = PhysicalPort(topology_.PortOf(changes[first].phy));
      const auto other_port = [&](const Change& change) {
        return topology_.PortOf(change.phy) != event.port.value();
      };
      end = std::find_if(changes.begin() + first, changes.begin() + end, other_port) -
            changes.begin();
    }
    event.status = list.status;
    const bool is_first = first == 0, is_last = end == changes.size();
    if ((list.status == ExpanderStatus::kAdded && !is_first) ||
        (list.status == ExpanderStatus::kNotResponding && !is_last)) {
      event.status = ExpanderStatus::kResponding;
    }
    if (node.level == 0) event.status = ExpanderStatus::kNoExpander;
    if (!changes.empty()) event.start_phy = PhyId(changes[first].phy);
    event.entries.reserve(end - first);
    for (size_t i = first; i < end; ++i) {
      event.entries.push_back({DevHandle(changes[i].handle), LinkRate(changes[i].rate),
                               LinkRate(changes[i].previous_rate), changes[i].reason, false});
    }
    events_.push_back(std::move(event));
  } while (end < changes.size());
}

mpi::TopologyChangeList DiscoveryRun::ListHeader(const ReportedNode& node) const {
  const HandleEntry& entry = *topology_.handles().Find(node.handle);
  mpi::TopologyChangeList event;
  event.enclosure_handle = EnclosureHandle(entry.enclosure);
  event.expander_handle = DevHandle(node.level == 0 ? 0 : node.handle);
  event.phy_count = static_cast<uint8_t>(node.phys.size());
  event.port = PhysicalPort(entry.port);
  return event;
}

// The entries of an event stand for consecutive phys: unchanged phys in between are reported too.
std::vector<DiscoveryRun::Change> DiscoveryRun::FillGaps(const ReportedNode& node,
                                                         const List& list) const {
  std::vector<Change> filled;
  if (list.changes.empty() && !list.whole) return filled;
  const size_t first = list.whole ? 0 : list.changes.front().phy;
  const size_t last = list.whole ? node.phys.size() - 1 : list.changes.back().phy;
  filled.reserve(last - first + 1);
  auto next = list.changes.begin();
  for (size_t phy = first; phy <= last; ++phy) {
    if (next != list.changes.end() && next->phy == phy) {
      filled.push_back(*next++);
      continue;
    }
    const ReportedPhy& known = node.phys[phy];
    filled.push_back({static_cast<uint8_t>(phy), known.handle, known.rate, known.rate,
                      mpi::PhyReason::kNoChange});
  }
  return filled;
}

void DiscoveryRun::ReportEnclosure(uint16_t enclosure, uint32_t index, uint8_t reason) {
  mpi::EnclosureStatusChange event;
  event.handle = EnclosureHandle(enclosure);
  event.reason = reason;
  if (index == kNoIndex) {
    const HostSpec& host = fabric_.host(topology_.host());
    event.logical_id = host.enclosure_logical_id;
    event.slot_count = host.phy_count;
  } else {
    const EnclosureSpec& spec = fabric_.spec().enclosures[index];
    event.logical_id = spec.logical_id;
    event.slot_count = spec.slot_count;
    event.start_slot = spec.start_slot;
  }
  events_.push_back(event);
}

void DiscoveryRun::ReportGoneEnclosures() {
  for (const auto& [handle, index] : gone_enclosures_) {
    ReportEnclosure(handle, index, mpi::EnclosureStatusChange::kNotResponding);
  }
  gone_enclosures_.clear();
}

}  // namespace sasd::emulator
