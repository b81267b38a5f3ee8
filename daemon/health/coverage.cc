#include "daemon/health/coverage.h"

#include <algorithm>
#include <map>

namespace sasd::health {
namespace {

using registry::Enclosure;
using registry::EndDevice;
using registry::Expander;
using registry::Host;
using registry::LogicalUnit;
using registry::MakeId;
using registry::Port;
using registry::ResourceId;
using registry::ResourceKind;
using registry::Slot;

constexpr int kMaxDepth = 64;

}  // namespace

Coverage::Coverage(const registry::Topology& topology, absl::Span<const MissingPtr> missing,
                   const DismissalMap& dismissals)
    : topology_(topology), missing_(missing), dismissals_(dismissals) {
  if (dismissals_.empty()) return;
  for (const MissingPtr& each : missing_) {
    if (KindOf(each->id) != ResourceKind::kEndDevice) continue;
    for (const registry::LogicalUnitKey& unit : each->units) {
      lost_paths_[unit].push_back(std::get<registry::IndexOf<EndDevice>()>(each->id));
    }
  }
}

template <typename T>
const T* Coverage::Known(const typename T::Key& key) const {
  if (const T* now = topology_.collection<T>().Find(key)) return now;
  const ResourceId id = MakeId<T>(key);
  const auto it = std::lower_bound(
      missing_.begin(), missing_.end(), id,
      [](const MissingPtr& missing, const ResourceId& wanted) { return missing->id < wanted; });
  if (it == missing_.end() || (*it)->id != id) return nullptr;
  return std::get<registry::IndexOf<T>()>((*it)->last_known).get();
}

DismissalPtr Coverage::Direct(const ResourceId& id) const {
  const auto it = dismissals_.find(id);
  return it == dismissals_.end() ? nullptr : it->second;
}

DismissalPtr Coverage::OfNode(const NodeKey& node, int depth) const {
  return node.is_host() ? Direct(MakeId<Host>(node.host)) : Of(MakeId<Expander>(node), depth);
}

DismissalPtr Coverage::OfUnit(const registry::LogicalUnitKey& key, int depth) const {
  const LogicalUnit* unit = Known<LogicalUnit>(key);
  if (unit != nullptr) {
    DismissalPtr found = unit->slot.has_value()
                             ? Of(MakeId<Slot>({unit->enclosure, *unit->slot}), depth)
                             : Of(MakeId<Enclosure>(unit->enclosure), depth);
    if (found != nullptr) return found;
  }
  DismissalPtr covered;
  std::vector<NodeKey> paths;
  if (unit != nullptr) {
    for (const LogicalUnit::Path& path : unit->paths) paths.push_back(path.device);
  }
  const auto lost = lost_paths_.find(key);
  if (lost != lost_paths_.end()) {
    paths.insert(paths.end(), lost->second.begin(), lost->second.end());
  }
  for (const NodeKey& path : paths) {
    const EndDevice* device = Known<EndDevice>(path);
    DismissalPtr found = Direct(MakeId<EndDevice>(path));
    if (found == nullptr) found = Direct(MakeId<Host>(path.host));
    if (found == nullptr && device != nullptr) found = OfNode(device->facts.parent, depth);
    if (found == nullptr) return nullptr;
    covered = std::move(found);
  }
  return covered;
}

DismissalPtr Coverage::Of(const ResourceId& id, int depth) const {
  DismissalPtr found = Direct(id);
  if (found != nullptr || ++depth > kMaxDepth) return found;
  switch (KindOf(id)) {
    case ResourceKind::kHost:
      return nullptr;
    case ResourceKind::kPhy:
      return OfNode(std::get<registry::IndexOf<registry::Phy>()>(id).owner, depth);
    case ResourceKind::kPort: {
      const PortKey& key = std::get<registry::IndexOf<Port>()>(id);
      const Port* port = Known<Port>(key);
      if (port != nullptr) {
        found = Direct(MakeId<Expander>(port->attached_key()));
        if (found == nullptr) found = Direct(MakeId<EndDevice>(port->attached_key()));
      }
      return found != nullptr ? found : OfNode(key.owner, depth);
    }
    case ResourceKind::kExpander: {
      const NodeKey& key = std::get<registry::IndexOf<Expander>()>(id);
      found = Direct(MakeId<Host>(key.host));
      const Expander* expander = Known<Expander>(key);
      if (found != nullptr || expander == nullptr) return found;
      found = OfNode(expander->facts.parent, depth);
      return found != nullptr ? found : Direct(MakeId<Enclosure>(expander->facts.enclosure));
    }
    case ResourceKind::kEndDevice: {
      const NodeKey& key = std::get<registry::IndexOf<EndDevice>()>(id);
      found = Direct(MakeId<Host>(key.host));
      const EndDevice* device = Known<EndDevice>(key);
      if (found != nullptr || device == nullptr) return found;
      found = OfNode(device->facts.parent, depth);
      if (found == nullptr && device->facts.slot.has_value()) {
        found = Direct(MakeId<Slot>({device->facts.enclosure, *device->facts.slot}));
      }
      if (found == nullptr) found = Direct(MakeId<Enclosure>(device->facts.enclosure));
      for (const registry::UnitPathPtr& path : device->units) {
        if (found == nullptr) found = Direct(MakeId<LogicalUnit>(path->unit));
      }
      return found;
    }
    case ResourceKind::kLogicalUnit:
      return OfUnit(std::get<registry::IndexOf<LogicalUnit>()>(id), depth);
    case ResourceKind::kEnclosure: {
      const Enclosure* enclosure = Known<Enclosure>(std::get<registry::IndexOf<Enclosure>()>(id));
      if (enclosure == nullptr) return nullptr;
      for (const HostKey host : enclosure->hosts) {
        found = Direct(MakeId<Host>(host));
        if (found == nullptr) break;
      }
      return found;
    }
    case ResourceKind::kSlot:
      return Of(MakeId<Enclosure>(std::get<registry::IndexOf<Slot>()>(id).enclosure), depth);
  }
  return nullptr;
}

void Coverage::Mark(std::vector<Finding>& findings) const {
  if (dismissals_.empty()) return;
  std::map<FindingId, DismissalPtr> covered;
  for (Finding& finding : findings) {
    if (!finding.id.resource.has_value()) continue;
    finding.dismissal = Of(*finding.id.resource);
    if (finding.dismissal != nullptr) covered[finding.id] = finding.dismissal;
  }
  for (Finding& finding : findings) {
    if (finding.dismissal != nullptr || !finding.root_cause.has_value()) continue;
    const auto root = covered.find(*finding.root_cause);
    if (root != covered.end()) finding.dismissal = root->second;
  }
}

}  // namespace sasd::health
