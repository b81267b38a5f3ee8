#include "cli/output/subtree.h"

#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"

namespace sasd::cli {
namespace {

using sas::v1::Expander;
using sas::v1::Resource;

class Cutter {
 public:
  explicit Cutter(const TreeSnapshot& all) : all_(all) {
    for (const Expander& expander : all.expanders) expanders_[expander.name()] = &expander;
  }

  void Add(const Resource& object) {
    switch (object.resource_case()) {
      case Resource::kHost:
        below_.insert(object.host().name());
        break;
      case Resource::kExpander:
        below_.insert(object.expander().name());
        break;
      case Resource::kEndDevice:
        devices_.insert(object.end_device().name());
        break;
      case Resource::kLogicalUnit:
        for (const auto& path : object.logical_unit().paths()) devices_.insert(path.end_device());
        break;
      case Resource::kSlot:
        devices_.insert(object.slot().end_devices().begin(), object.slot().end_devices().end());
        break;
      case Resource::kEnclosure:
        AddEnclosure(object.enclosure().name());
        break;
      case Resource::kPort:
        AddLink(object.port().owner(), object.port().attached());
        break;
      case Resource::kPhy:
        AddPhy(object.phy());
        break;
      case Resource::RESOURCE_NOT_SET:
        break;
    }
  }

  TreeSnapshot Cut() {
    TreeSnapshot part;
    part.revision = all_.revision;
    for (const auto& device : all_.devices) {
      if (devices_.contains(device.name()) || IsBelow(device.parent(), device.host())) {
        part.devices.push_back(device);
        Keep(device.parent(), device.host());
        enclosures_.insert(device.enclosure());
      }
    }
    for (const Expander& expander : all_.expanders) {
      if (IsBelow(expander.name(), expander.host())) {
        Keep(expander.name(), expander.host());
        enclosures_.insert(expander.enclosure());
      }
    }
    for (const Expander& expander : all_.expanders) {
      if (kept_.contains(expander.name())) part.expanders.push_back(expander);
    }
    for (const auto& host : all_.hosts) {
      if (kept_.contains(host.name()) || below_.contains(host.name())) part.hosts.push_back(host);
    }
    for (const auto& port : all_.ports) {
      if (kept_.contains(port.owner())) part.ports.push_back(port);
    }
    for (const auto& enclosure : all_.enclosures) {
      if (enclosures_.contains(enclosure.name())) part.enclosures.push_back(enclosure);
    }
    return part;
  }

 private:
  void AddEnclosure(const std::string& name) {
    enclosures_.insert(name);
    for (const Expander& expander : all_.expanders) {
      if (expander.enclosure() == name) below_.insert(expander.name());
    }
    for (const auto& device : all_.devices) {
      if (device.enclosure() == name) devices_.insert(device.name());
    }
  }

  // What is beyond a link is what its owner is the parent of; if that is the owner's own parent,
  // the owner.
  void AddLink(const std::string& owner, const std::string& attached) {
    const auto expander = expanders_.find(attached);
    if (expander != expanders_.end() && expander->second->parent() == owner) {
      below_.insert(attached);
      return;
    }
    for (const auto& device : all_.devices) {
      if (device.name() == attached) {
        devices_.insert(attached);
        return;
      }
    }
    if (!attached.empty()) below_.insert(owner);
  }

  void AddPhy(const sas::v1::Phy& phy) {
    for (const auto& port : all_.ports) {
      if (port.owner() == phy.owner() &&
          port.attached_sas_address() == phy.attached_sas_address()) {
        AddLink(port.owner(), port.attached());
      }
    }
  }

  // Whether one of the objects is on the way from the host to this node. A loop of parents has at
  // most as many steps as there are expanders.
  bool IsBelow(std::string node, const std::string& host) const {
    if (below_.contains(host)) return true;
    for (size_t steps = 0; steps <= expanders_.size(); ++steps) {
      if (below_.contains(node)) return true;
      const auto expander = expanders_.find(node);
      if (expander == expanders_.end()) return false;
      node = expander->second->parent();
    }
    return false;
  }

  // Keeps a node and the way to it.
  void Keep(std::string node, const std::string& host) {
    kept_.insert(host);
    while (kept_.insert(node).second) {
      const auto expander = expanders_.find(node);
      if (expander == expanders_.end()) return;
      node = expander->second->parent();
    }
  }

  const TreeSnapshot& all_;
  absl::flat_hash_map<std::string, const Expander*> expanders_;
  absl::flat_hash_set<std::string> below_, devices_, enclosures_, kept_;
};

}  // namespace

TreeSnapshot Subtree(const TreeSnapshot& all, const std::vector<Resource>& objects) {
  Cutter cutter(all);
  for (const Resource& object : objects) cutter.Add(object);
  return cutter.Cut();
}

}  // namespace sasd::cli
