#include "emulator/fabric/fabric_state.h"

#include <algorithm>
#include <utility>

namespace sasd::emulator {

FabricState::FabricState(FabricSpec spec) : spec_(std::move(spec)) {
  PlacePhys();
  PlugLinks();
  PlugDevices();
  FillEnclosures();
  DeriveRouting();
}

void FabricState::PlacePhys() {
  uint32_t next = 0;
  for (const HostSpec& host : spec_.hosts) {
    host_first_phy_.push_back(next);
    next += host.phy_count;
  }
  expanders_.resize(spec_.expanders.size());
  for (size_t i = 0; i < expanders_.size(); ++i) {
    expanders_[i].first_phy = next;
    next += spec_.expanders[i].phy_count;
  }
  phys_.resize(next);
  for (size_t i = 0; i < spec_.hosts.size(); ++i) {
    const HostSpec& host = spec_.hosts[i];
    SetRates(host_first_phy_[i], host.phy_count, host.max_rate, host.phy_rates);
  }
  for (size_t i = 0; i < expanders_.size(); ++i) {
    const ExpanderSpec& expander = spec_.expanders[i];
    SetRates(expanders_[i].first_phy, expander.phy_count, expander.max_rate, expander.phy_rates);
  }
}

void FabricState::SetRates(uint32_t first_phy, int count, LinkRate highest,
                           const std::vector<PhyRates>& given) {
  PhyRates usual;
  usual.hardware_max = highest;
  for (int i = 0; i < count; ++i) {
    const PhyRates& rates = given.empty() ? usual : given[i];
    Phy& phy = phys_[first_phy + i];
    phy.hardware_min = rates.hardware_min;
    phy.hardware_max = rates.hardware_max;
    phy.min = phy.programmed_min = rates.programmed_min;
    phy.max = phy.programmed_max = rates.programmed_max;
  }
}

void FabricState::PlugLinks() {
  for (const LinkSpec& link : spec_.links) {
    for (auto [here, there] : {std::make_pair(link.a, link.b), std::make_pair(link.b, link.a)}) {
      Phy& phy = At(here);
      phy.peer = there.node.is_host ? PhyLink::Peer::kHost : PhyLink::Peer::kExpander;
      phy.peer_index = there.node.index;
      phy.peer_phy = there.phy;
      phy.cable = link.max_rate;
    }
  }
  spec_.links.clear();
  spec_.links.shrink_to_fit();
}

void FabricState::PlugDevices() {
  devices_.resize(spec_.devices.size());
  for (uint32_t i = 0; i < devices_.size(); ++i) {
    const DeviceSpec& device = spec_.devices[i];
    devices_[i].present = !device.absent;
    for (int port = 0; port < device.port_count(); ++port) {
      Phy& phy = At(device.ports[port].at);
      phy.peer = PhyLink::Peer::kDevice;
      phy.peer_index = i;
      phy.peer_phy = static_cast<uint8_t>(port);
      phy.is_virtual = model_of(i).type == DeviceModel::Type::kEnclosure;
    }
  }
}

void FabricState::FillEnclosures() {
  enclosures_.resize(spec_.enclosures.size());
  for (size_t i = 0; i < enclosures_.size(); ++i) {
    enclosures_[i].slots.assign(spec_.enclosures[i].slot_count, kNoIndex);
  }
  for (uint32_t i = 0; i < spec_.expanders.size(); ++i) {
    if (spec_.expanders[i].enclosure != kNoIndex) {
      enclosures_[spec_.expanders[i].enclosure].expanders.push_back(i);
    }
  }
  for (uint32_t i = 0; i < spec_.devices.size(); ++i) {
    const DeviceSpec& device = spec_.devices[i];
    if (device.enclosure == kNoIndex) continue;
    Enclosure& enclosure = enclosures_[device.enclosure];
    enclosure.devices.push_back(i);
    const size_t slot = device.slot - spec_.enclosures[device.enclosure].start_slot;
    const bool is_drive = model_of(i).type == DeviceModel::Type::kDisk;
    if (is_drive && slot < enclosure.slots.size()) enclosure.slots[slot] = i;
  }
}

void FabricState::DeriveRouting() {
  std::vector<bool> seen(spec_.expanders.size(), false);
  for (uint32_t host = 0; host < spec_.hosts.size(); ++host) {
    const NodeRef node{true, host};
    for (int i = 0; i < phy_count(node); ++i) {
      const Phy& phy = At({node, static_cast<uint8_t>(i)});
      if (phy.peer == PhyLink::Peer::kExpander && !seen[phy.peer_index]) {
        RouteFrom(phy.peer_index, node, seen);
      }
    }
  }
}

// Sets the attributes of `expander`, reached from `from`, and of all below it.
void FabricState::RouteFrom(uint32_t expander, NodeRef from, std::vector<bool>& seen) {
  std::vector<std::pair<uint32_t, NodeRef>> todo = {{expander, from}};
  seen[expander] = true;
  while (!todo.empty()) {
    const auto [at, parent] = todo.back();
    todo.pop_back();
    const NodeRef node{false, at};
    for (int i = 0; i < phy_count(node); ++i) {
      Phy& phy = At({node, static_cast<uint8_t>(i)});
      phy.routing = RoutingOf(at, i, parent);
      if (phy.peer == PhyLink::Peer::kExpander && !seen[phy.peer_index]) {
        seen[phy.peer_index] = true;
        todo.push_back({phy.peer_index, node});
      }
    }
  }
}

PhyRouting FabricState::RoutingOf(uint32_t expander, int phy, NodeRef parent) const {
  const std::vector<PhyRouting>& given = spec_.expanders[expander].routing;
  if (!given.empty() && given[phy] != PhyRouting::kAuto) return given[phy];
  const Phy& at = At({{false, expander}, static_cast<uint8_t>(phy)});
  const NodeRef peer{at.peer == PhyLink::Peer::kHost, at.peer_index};
  const bool to_expander = at.peer == PhyLink::Peer::kExpander;
  if ((to_expander || peer.is_host) && peer == parent) return PhyRouting::kSubtractive;
  return to_expander ? PhyRouting::kTable : PhyRouting::kDirect;
}

int FabricState::phy_count(NodeRef node) const {
  return node.is_host ? spec_.hosts[node.index].phy_count : spec_.expanders[node.index].phy_count;
}

SasAddress FabricState::address(NodeRef node) const {
  return node.is_host ? spec_.hosts[node.index].address : spec_.expanders[node.index].address;
}

uint32_t FabricState::PhyIndex(PhyRef phy) const {
  const uint32_t first =
      phy.node.is_host ? host_first_phy_[phy.node.index] : expanders_[phy.node.index].first_phy;
  return first + phy.phy;
}

bool FabricState::expander_up(uint32_t i) const {
  const uint32_t enclosure = spec_.expanders[i].enclosure;
  return expanders_[i].present && (enclosure == kNoIndex || enclosures_[enclosure].on);
}

bool FabricState::device_up(uint32_t i) const {
  const uint32_t enclosure = spec_.devices[i].enclosure;
  return devices_[i].present && (enclosure == kNoIndex || enclosures_[enclosure].on);
}

bool FabricState::PeerUp(const Phy& phy) const {
  switch (phy.peer) {
    case PhyLink::Peer::kNone:
      return false;
    case PhyLink::Peer::kDevice:
      return device_up(phy.peer_index);
    case PhyLink::Peer::kHost:
      return !At({{true, phy.peer_index}, phy.peer_phy}).disabled;
    case PhyLink::Peer::kExpander:
      return expander_up(phy.peer_index) && !At({{false, phy.peer_index}, phy.peer_phy}).disabled;
  }
  return false;
}

PhyLink FabricState::Link(PhyRef ref) const {
  const Phy& phy = At(ref);
  PhyLink link;
  if (phy.disabled) {
    link.rate = LinkRate::kDisabled;
    return link;
  }
  if (!PeerUp(phy) || (!ref.node.is_host && !expander_up(ref.node.index))) return link;
  link = Cabled(ref);
  LinkRate least = phy.min;
  link.rate = std::min({phy.cable, phy.max, phy.hardware_max});
  if (phy.peer == PhyLink::Peer::kDevice) {
    link.rate = std::min(link.rate, model_of(phy.peer_index).max_rate);
  } else {
    const PhyRef other{link.node(), phy.peer_phy};
    link.rate = std::min({link.rate, At(other).max, At(other).hardware_max});
    least = std::max(least, At(other).min);
  }
  if (link.rate >= least) return link;
  PhyLink failed;
  failed.rate = LinkRate::kNegotiationFailed;
  return failed;
}

PhyLink FabricState::Cabled(PhyRef ref) const {
  const Phy& phy = At(ref);
  PhyLink link;
  link.peer = phy.peer;
  link.peer_index = phy.peer_index;
  link.peer_phy = phy.peer_phy;
  return link;
}

SasAddress FabricState::PeerAddress(const PhyLink& link) const {
  switch (link.peer) {
    case PhyLink::Peer::kNone:
      return {};
    case PhyLink::Peer::kDevice:
      return spec_.devices[link.peer_index].ports[link.peer_phy].address;
    case PhyLink::Peer::kHost:
    case PhyLink::Peer::kExpander:
      return address(link.node());
  }
  return {};
}

PhyErrors FabricState::errors(PhyRef phy) const {
  const auto it = errors_.find(PhyIndex(phy));
  return it == errors_.end() ? PhyErrors() : it->second;
}

void FabricState::SetDevicePresent(uint32_t i, bool present, std::vector<PhyRef>& changed) {
  devices_[i].present = present;
  for (int port = 0; port < spec_.devices[i].port_count(); ++port) {
    Touch(spec_.devices[i].ports[port].at, changed);
  }
}

void FabricState::ReplaceDevice(uint32_t i, const std::string& serial, SasAddress name,
                                const SasAddress (&addresses)[2]) {
  DeviceSpec& device = spec_.devices[i];
  device.serial = serial;
  device.name = name;
  for (int port = 0; port < 2; ++port) device.ports[port].address = addresses[port];
  ++devices_[i].generation;
}

void FabricState::SetPhyDisabled(PhyRef phy, bool disabled, std::vector<PhyRef>& changed) {
  At(phy).disabled = disabled;
  Touch(phy, changed);
}

void FabricState::SetPhyLimit(PhyRef phy, LinkRate limit, std::vector<PhyRef>& changed) {
  At(phy).programmed_max = limit;
  Touch(phy, changed);
}

void FabricState::SetExpanderPresent(uint32_t i, bool present, std::vector<PhyRef>& changed) {
  expanders_[i].present = present;
  TouchAll({false, i}, changed);
}

void FabricState::SetEnclosureOn(uint32_t i, bool on, std::vector<PhyRef>& changed) {
  enclosures_[i].on = on;
  for (uint32_t expander : enclosures_[i].expanders) TouchAll({false, expander}, changed);
  for (uint32_t device : enclosures_[i].devices) {
    for (int port = 0; port < spec_.devices[device].port_count(); ++port) {
      const PhyRef at = spec_.devices[device].ports[port].at;
      const bool touched = !at.node.is_host && spec_.expanders[at.node.index].enclosure == i;
      if (!touched) Touch(at, changed);
    }
  }
}

void FabricState::Act(const FabricAction& action, std::vector<PhyRef>& changed) {
  if (const auto* const phy = std::get_if<PhyAction>(&action)) {
    ControlPhy(*phy, changed);
  } else if (const auto* const expander = std::get_if<ExpanderAction>(&action)) {
    expanders_[expander->expander].times = expander->times;
  }
}

void FabricState::ControlPhy(const PhyAction& action, std::vector<PhyRef>& changed) {
  Phy& phy = At(action.phy);
  if (action.programmed_min != LinkRate::kUnknown) phy.programmed_min = action.programmed_min;
  if (action.programmed_max != LinkRate::kUnknown) phy.programmed_max = action.programmed_max;
  switch (action.operation) {
    case PhyActionKind::kNop:
      return;
    case PhyActionKind::kClearErrorLog:
      errors_.erase(PhyIndex(action.phy));
      return;
    case PhyActionKind::kDisable:
      phy.disabled = true;
      break;
    case PhyActionKind::kLinkReset:  // either reset enables a disabled phy (SPL-4, PHY CONTROL)
    case PhyActionKind::kHardReset:
      phy.disabled = false;
      break;
  }
  Touch(action.phy, changed);
}

void FabricState::Touch(PhyRef ref, std::vector<PhyRef>& changed) {
  const PhyLink cabled = Cabled(ref);
  const PhyRef peer{cabled.node(), cabled.peer_phy};
  for (const PhyRef& end : {ref, peer}) {
    if (!end.node.valid()) continue;
    At(end).min = At(end).programmed_min;
    At(end).max = At(end).programmed_max;
  }
  TouchOne(ref, changed);
  if (peer.node.valid()) TouchOne(peer, changed);
}

void FabricState::TouchOne(PhyRef ref, std::vector<PhyRef>& changed) {
  ++At(ref).change_count;
  if (!ref.node.is_host) ++expanders_[ref.node.index].changes;
  if (!Link(ref).up()) {  // a link loses synchronization before it goes down
    PhyErrors& errors = errors_[PhyIndex(ref)];
    ++errors.loss_of_sync;
    errors.invalid_dwords += 4;
  }
  changed.push_back(ref);
}

void FabricState::TouchAll(NodeRef node, std::vector<PhyRef>& changed) {
  for (int i = 0; i < phy_count(node); ++i) {
    const PhyRef phy{node, static_cast<uint8_t>(i)};
    if (At(phy).peer != PhyLink::Peer::kNone) Touch(phy, changed);
  }
}

}  // namespace sasd::emulator
