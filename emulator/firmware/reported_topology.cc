#include "emulator/firmware/reported_topology.h"

#include <algorithm>

namespace sasd::emulator {

ReportedTopology::ReportedTopology(const FabricState& fabric, uint32_t host)
    : host_(host),
      handles_(fabric.host(host).phy_count, fabric.host(host).max_dev_handle),
      expander_handles_(fabric.spec().expanders.size(), 0),
      enclosure_handles_(fabric.spec().enclosures.size(), 0) {
  HandleEntry& hba = *handles_.Find(kHbaHandle);
  hba.element = host;
  hba.enclosure = kBoardEnclosure;
  hba.address = fabric.host(host).address;
  NumberPorts(fabric);
  enclosures_[kBoardEnclosure].users = 1;
  AddNode(kHbaHandle, {true, host}, 0, fabric.host(host).phy_count);
}

// Each cable's far end is a port. Phys without a cable follow as ports of their own.
void ReportedTopology::NumberPorts(const FabricState& fabric) {
  ports_.assign(fabric.host(host_).phy_count, 0);
  if (!fabric.host(host_).port_per_link) return;
  std::vector<std::pair<PhyLink::Peer, uint32_t>> ends;
  for (uint8_t phy = 0; phy < ports_.size(); ++phy) {
    const PhyLink link = fabric.Cabled({{true, host_}, phy});
    const auto end = std::make_pair(link.peer, link.peer_index);
    auto it = std::find(ends.begin(), ends.end(), end);
    if (link.peer == PhyLink::Peer::kNone || it == ends.end()) it = ends.insert(ends.end(), end);
    ports_[phy] = static_cast<uint8_t>(it - ends.begin());
  }
}

ReportedNode* ReportedTopology::Node(uint16_t handle) {
  const auto it = nodes_.find(handle);
  return it == nodes_.end() ? nullptr : &it->second;
}

const ReportedNode* ReportedTopology::Node(uint16_t handle) const {
  const auto it = nodes_.find(handle);
  return it == nodes_.end() ? nullptr : &it->second;
}

uint16_t ReportedTopology::NodeHandle(NodeRef ref) const {
  if (ref.is_host) return ref.index == host_ ? kHbaHandle : 0;
  return expander_handles_[ref.index];
}

ReportedNode& ReportedTopology::AddNode(uint16_t handle, NodeRef ref, uint8_t level,
                                        int phy_count) {
  ReportedNode& node = nodes_[handle];
  node.ref = ref;
  node.handle = handle;
  node.level = level;
  node.phys.resize(phy_count);
  if (!ref.is_host) expander_handles_[ref.index] = handle;
  return node;
}

void ReportedTopology::DropNode(uint16_t handle) {
  const auto it = nodes_.find(handle);
  if (it == nodes_.end()) return;
  expander_handles_[it->second.ref.index] = 0;
  nodes_.erase(it);
}

std::vector<uint16_t> ReportedTopology::NodeHandles() const {
  std::vector<uint16_t> handles;
  for (const auto& [handle, node] : nodes_) handles.push_back(handle);
  return handles;
}

uint16_t ReportedTopology::DeviceHandle(const FabricState& fabric, uint32_t device,
                                        int port) const {
  const PhyRef at = fabric.device(device).ports[port].at;
  if (!at.node.valid()) return 0;
  const ReportedNode* const node = Node(NodeHandle(at.node));
  return node == nullptr ? 0 : node->phys[at.phy].handle;
}

uint16_t ReportedTopology::EnclosureHandle(uint32_t index) const {
  return index == kNoIndex ? kBoardEnclosure : enclosure_handles_[index];
}

uint16_t ReportedTopology::UseEnclosure(uint32_t index, bool& is_new) {
  is_new = false;
  uint16_t handle = EnclosureHandle(index);
  if (handle == 0) {
    is_new = true;
    handle = first_enclosure_;
    while (enclosures_.count(handle) != 0) ++handle;
    enclosures_[handle].index = index;
    enclosure_handles_[index] = handle;
  }
  ++enclosures_[handle].users;
  return handle;
}

bool ReportedTopology::LeaveEnclosure(uint16_t enclosure) {
  const auto it = enclosures_.find(enclosure);
  if (it == enclosures_.end() || --it->second.users > 0) return false;
  enclosure_handles_[it->second.index] = 0;
  enclosures_.erase(it);
  return true;
}

void ReportedTopology::SetMissing(uint16_t handle, absl::Duration deadline) {
  ClearMissing(handle);
  missing_[handle] = deadline;
  deadlines_.insert({deadline, handle});
}

bool ReportedTopology::ClearMissing(uint16_t handle) {
  const auto it = missing_.find(handle);
  if (it == missing_.end()) return false;
  deadlines_.erase({it->second, handle});
  missing_.erase(it);
  return true;
}

absl::Duration ReportedTopology::NextDeadline() const {
  return deadlines_.empty() ? absl::InfiniteDuration() : deadlines_.begin()->first;
}

uint16_t ReportedTopology::TakeExpired(absl::Duration now) {
  if (NextDeadline() > now) return 0;
  const uint16_t handle = deadlines_.begin()->second;
  ClearMissing(handle);
  return handle;
}

void ReportedTopology::Reset(uint64_t seed) {
  const ReportedNode hba = nodes_[kHbaHandle];
  nodes_.clear();
  std::fill(expander_handles_.begin(), expander_handles_.end(), 0);
  std::fill(enclosure_handles_.begin(), enclosure_handles_.end(), 0);
  enclosures_.clear();
  enclosures_[kBoardEnclosure].users = 1;
  first_enclosure_ = static_cast<uint16_t>(kBoardEnclosure + 1 + seed % 5);
  discovered_ = false;
  missing_.clear();
  deadlines_.clear();
  handles_.BeginRenumbering(seed);
  AddNode(kHbaHandle, hba.ref, 0, static_cast<int>(hba.phys.size()));
}

}  // namespace sasd::emulator
