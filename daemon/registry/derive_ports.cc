#include <algorithm>
#include <utility>

#include "daemon/registry/derive.h"

namespace sasd::registry {
namespace {

// An attached phy is a member even where its rate is not known.
bool IsMember(const Phy& phy) {
  return phy.facts.attached != SasAddress(0) &&
         (IsLinkUp(phy.facts.negotiated) || phy.facts.negotiated == LinkRate::kUnknown);
}

}  // namespace

void Deriver::CollectPorts() {
  for (const auto& [key, draft] : changes_.drafts<Phy>()) {
    for (const Phy* phy : {draft.before.get(), static_cast<const Phy*>(draft.after.get())}) {
      if (phy != nullptr && IsMember(*phy)) TouchPort({key.owner, phy->facts.attached});
    }
  }
  for (const auto& [key, draft] : changes_.drafts<Expander>()) {
    for (const Expander* x :
         {draft.before.get(), static_cast<const Expander*>(draft.after.get())}) {
      if (x == nullptr) continue;
      TouchPort({x->facts.parent, key.address});
      TouchPort({key, x->facts.parent.address});
    }
  }
  for (const auto& [key, draft] : changes_.drafts<EndDevice>()) {
    const bool same_parent = draft.before != nullptr && draft.after != nullptr &&
                             draft.before->facts.parent == draft.after->facts.parent;
    if (same_parent) continue;
    if (draft.before != nullptr) TouchPort({draft.before->facts.parent, key.address});
    if (draft.after != nullptr) TouchPort({draft.after->facts.parent, key.address});
  }
}

// Owner by owner, so that each owner's phys are visited once.
void Deriver::DerivePorts() {
  auto it = ports_.begin();
  while (it != ports_.end()) {
    const NodeKey owner = it->owner;
    std::vector<SasAddress> attached;
    for (; it != ports_.end() && it->owner == owner; ++it) attached.push_back(it->attached);
    DerivePortsOf(owner, attached);
  }
}

void Deriver::DerivePortsOf(const NodeKey& owner, absl::Span<const SasAddress> attached) {
  std::vector<std::pair<SasAddress, const Phy*>> members;
  internal::VisitRange(
      changes_.of<Phy>(), {owner, PhyId(0)},
      [&](const Phy& phy) { return phy.facts.key.owner == owner; },
      [&](const std::shared_ptr<const Phy>& phy) {
        if (!IsMember(*phy)) return;
        if (std::binary_search(attached.begin(), attached.end(), phy->facts.attached)) {
          members.emplace_back(phy->facts.attached, phy.get());
        }
      });
  std::stable_sort(members.begin(), members.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  auto it = members.begin();
  for (const SasAddress address : attached) {
    std::vector<const Phy*> phys;
    for (; it != members.end() && it->first == address; ++it) phys.push_back(it->second);
    DerivePort({owner, address}, phys);
  }
}

void Deriver::DerivePort(const PortKey& key, absl::Span<const Phy* const> members) {
  const Port* old = changes_.Find<Port>(key);
  if (members.empty() && (old == nullptr || !Proves(old->reported_by))) {
    if (old != nullptr) RemovePort(key);
    return;
  }
  const bool is_new = old == nullptr || old->widest == 0;
  Port& port = changes_.Edit<Port>(key);
  if (is_new) {
    const auto lost = memory_.lost_ports.extract(key);
    if (!lost.empty()) {
      port.widest = lost.mapped().widest;
      port.fastest = lost.mapped().fastest;
    }
  }
  port.phys.clear();
  port.sources = port.reported_by;
  port.link_rate = LinkRate::kUnknown;
  for (const Phy* phy : members) {
    port.phys.push_back(phy->facts.key.phy);
    port.sources.Add(phy->sources);
    const LinkRate rate = phy->facts.negotiated;
    if (!IsLinkUp(rate)) continue;
    port.link_rate = IsLinkUp(port.link_rate) ? std::min(port.link_rate, rate) : rate;
  }
  port.width = members.empty() ? port.facts.width : static_cast<uint8_t>(members.size());
  port.widest = std::max(port.widest, port.width);
  port.fastest = std::max(port.fastest, port.link_rate);
  port.attached = AttachedOf(key);
}

void Deriver::RemovePort(const PortKey& key) {
  memory_.RememberLostPort(*changes_.Find<Port>(key));
  changes_.Remove<Port>(key);
}

// The owner names its parent; a child names the owner as its parent.
AttachedNode Deriver::AttachedOf(const PortKey& key) const {
  const Expander* owner = changes_.Find<Expander>(key.owner);
  if (owner != nullptr && owner->facts.parent.address == key.attached) {
    const NodeKey& parent = owner->facts.parent;
    return {parent.is_host() ? AttachedNode::Kind::kHost : AttachedNode::Kind::kExpander,
            parent.port};
  }
  AttachedNode found;
  const NodeKey from{key.owner.host, key.attached, PhysicalPort(0)};
  const auto here = [&](const auto& node) {
    return node.facts.key.host == key.owner.host && node.facts.key.address == key.attached;
  };
  internal::VisitRange(changes_.of<Expander>(), from, here, [&](const auto& node) {
    if (node->facts.parent == key.owner) {
      found = {AttachedNode::Kind::kExpander, node->facts.key.port};
    }
  });
  internal::VisitRange(changes_.of<EndDevice>(), from, here, [&](const auto& node) {
    if (node->facts.parent == key.owner) {
      found = {AttachedNode::Kind::kEndDevice, node->facts.key.port};
    }
  });
  return found;
}

void Deriver::DeriveLinks() {
  std::vector<NodeKey> expanders, devices;
  for (const auto& [key, draft] : changes_.drafts<Expander>()) expanders.push_back(key);
  for (const auto& [key, draft] : changes_.drafts<EndDevice>()) devices.push_back(key);
  for (const auto& [key, draft] : changes_.drafts<Port>()) {
    for (const Port* port : {draft.before.get(), static_cast<const Port*>(draft.after.get())}) {
      if (port == nullptr) continue;
      auto& nodes = port->attached.kind == AttachedNode::Kind::kEndDevice ? devices : expanders;
      nodes.push_back(port->attached_key());
    }
  }
  for (const NodeKey& node : Unique(std::move(expanders))) DeriveLink<Expander>(node);
  for (const NodeKey& node : Unique(std::move(devices))) DeriveLink<EndDevice>(node);
}

template <typename T>
void Deriver::DeriveLink(const NodeKey& node) {
  const T* old = changes_.Find<T>(node);
  if (old == nullptr) return;
  const Port* port = changes_.Find<Port>({old->facts.parent, node.address});
  const uint8_t width = port == nullptr ? 0 : port->width;
  const LinkRate rate = port == nullptr ? LinkRate::kUnknown : port->link_rate;
  if (old->link_width == width && old->link_rate == rate) return;
  T& edited = changes_.Edit<T>(node);
  edited.link_width = width;
  edited.link_rate = rate;
}

}  // namespace sasd::registry
