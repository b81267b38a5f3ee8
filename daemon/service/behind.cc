#include "daemon/service/behind.h"

#include <algorithm>
#include <set>
#include <utility>
#include <variant>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "daemon/service/names.h"
#include "rpc/status.h"

namespace sasd::service {
namespace {

using registry::Topology;

template <typename T>
void Sort(std::vector<T>& all) {
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
}

template <typename T>
bool Contains(const std::vector<T>& all, const T& one) {
  return std::binary_search(all.begin(), all.end(), one);
}

}  // namespace

Behind::Behind(const std::vector<registry::ResourceRef>& objects, const Topology& topology) {
  for (const registry::ResourceRef& object : objects) {
    std::visit([&](const auto& resource) { Add(*resource, topology); }, object);
  }
  AddBelow(topology);
}

void Behind::Add(const registry::Host& host, const Topology&) { hosts_.push_back(host.key()); }

void Behind::Add(const registry::Phy& phy, const Topology& topology) {
  const registry::Port* const port = topology.PortTo(phy.facts.key.owner, phy.facts.attached);
  if (port != nullptr) Add(*port, topology);
}

void Behind::Add(const registry::Port& port, const Topology& topology) {
  using Kind = registry::AttachedNode::Kind;
  if (port.attached.kind == Kind::kEndDevice) {
    devices_.push_back(port.attached_key());
    return;
  }
  if (port.attached.kind == Kind::kExpander) {
    const auto* beyond = topology.collection<registry::Expander>().Find(port.attached_key());
    if (beyond != nullptr && beyond->facts.parent == port.id.owner) {
      expanders_.push_back(beyond->key());
      return;
    }
  }
  // The port leads up, to the host: the link's far end is its own expander.
  const auto* own = topology.collection<registry::Expander>().Find(port.id.owner);
  if (own != nullptr && port.attached.kind != Kind::kUnknown) expanders_.push_back(own->key());
}

void Behind::Add(const registry::Expander& expander, const Topology&) {
  expanders_.push_back(expander.key());
}

void Behind::Add(const registry::EndDevice& device, const Topology&) {
  devices_.push_back(device.key());
}

void Behind::Add(const registry::LogicalUnit& unit, const Topology&) {
  for (const auto& path : unit.paths) devices_.push_back(path.device);
}

void Behind::Add(const registry::Enclosure& enclosure, const Topology& topology) {
  whole_enclosures_.push_back(enclosure.key());
  for (const HostKey& host : enclosure.hosts) {
    topology.VisitExpandersOf(host, [&](const auto& expander) {
      if (expander->facts.enclosure == enclosure.key()) expanders_.push_back(expander->key());
    });
    topology.VisitEndDevicesOf(host, [&](const auto& device) {
      if (device->facts.enclosure == enclosure.key()) devices_.push_back(device->key());
    });
  }
}

void Behind::Add(const registry::Slot& slot, const Topology&) {
  slots_.push_back(slot.key());
  for (const auto& occupant : slot.occupants) devices_.push_back(occupant.device);
}

void Behind::AddBelow(const Topology& topology) {
  std::set<NodeKey> below(expanders_.begin(), expanders_.end());
  std::set<HostKey> hosts(hosts_.begin(), hosts_.end());
  for (const NodeKey& expander : expanders_) hosts.insert(expander.host);
  Sort(hosts_);
  for (const HostKey& host : hosts) {
    const bool whole = Contains(hosts_, host);
    // An expander may come before its parent: repeat until nothing is new.
    for (bool more = true; more;) {
      more = false;
      topology.VisitExpandersOf(host, [&](const auto& expander) {
        if (!whole && below.count(expander->facts.parent) == 0) return;
        more = below.insert(expander->key()).second || more;
      });
    }
    topology.VisitEndDevicesOf(host, [&](const auto& device) {
      if (whole || below.count(device->facts.parent) > 0) devices_.push_back(device->key());
    });
  }
  expanders_.assign(below.begin(), below.end());
  Sort(devices_);
  Sort(whole_enclosures_);
  Sort(slots_);
}

bool Behind::IsOfNode(const NodeKey& node) const {
  return Contains(hosts_, node.host) || Contains(expanders_, node);
}

bool Behind::Has(const registry::Host& host) const { return Contains(hosts_, host.key()); }
bool Behind::Has(const registry::Phy& phy) const { return IsOfNode(phy.facts.key.owner); }
bool Behind::Has(const registry::Port& port) const { return IsOfNode(port.id.owner); }
bool Behind::Has(const registry::Expander& expander) const {
  return Contains(expanders_, expander.key());
}
bool Behind::Has(const registry::EndDevice& device) const {
  return Contains(devices_, device.key());
}

bool Behind::Has(const registry::LogicalUnit& unit) const {
  return std::any_of(unit.paths.begin(), unit.paths.end(),
                     [this](const auto& path) { return Contains(devices_, path.device); });
}

bool Behind::Has(const registry::Enclosure& enclosure) const {
  if (Contains(whole_enclosures_, enclosure.key())) return true;
  return std::any_of(enclosure.hosts.begin(), enclosure.hosts.end(),
                     [this](const HostKey& host) { return Contains(hosts_, host); }) ||
         std::any_of(enclosure.ses_devices.begin(), enclosure.ses_devices.end(),
                     [this](const NodeKey& device) { return Contains(devices_, device); }) ||
         std::any_of(enclosure.expanders.begin(), enclosure.expanders.end(),
                     [this](const NodeKey& expander) { return Contains(expanders_, expander); });
}

bool Behind::Has(const registry::Slot& slot) const {
  if (Contains(whole_enclosures_, slot.id.enclosure) || Contains(slots_, slot.key())) return true;
  return std::any_of(slot.hosts.begin(), slot.hosts.end(),
                     [this](const HostKey& host) { return Contains(hosts_, host); }) ||
         std::any_of(slot.occupants.begin(), slot.occupants.end(),
                     [this](const auto& occupant) { return Contains(devices_, occupant.device); });
}

grpc::Status ReadBehind(const google::protobuf::RepeatedPtrField<std::string>& names,
                        absl::string_view field, const Topology& topology,
                        std::shared_ptr<const Behind>* behind) {
  std::vector<registry::ResourceRef> objects;
  for (int i = 0; i < names.size(); ++i) {
    const std::string path = absl::StrCat(field, "[", i, "]");
    const absl::StatusOr<registry::ResourceId> id = ParseName(names[i]);
    if (!id.ok()) return rpc::BadField(path, id.status().message());
    registry::ResourceRef object = topology.Get(*id);
    if (registry::IsNull(object)) {
      return rpc::BadField(path, absl::StrCat("\"", names[i], "\" is not there"));
    }
    objects.push_back(std::move(object));
  }
  *behind = std::make_shared<const Behind>(objects, topology);
  return grpc::Status::OK;
}

}  // namespace sasd::service
