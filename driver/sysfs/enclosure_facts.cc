#include "driver/sysfs/enclosure_facts.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "driver/sysfs/attribute_text.h"

namespace sasd::sysfs {
namespace {

class Builder {
 public:
  Builder(HostKey host, HostTree& tree) : host_(host), tree_(tree) {
    for (FoundDevice& device : tree_.devices) {
      for (const FoundUnit& unit : device.units) by_scsi_[unit.facts.scsi_address] = &device;
    }
  }

  EnclosureObservations Build() {
    for (FoundDevice& device : tree_.devices) {
      for (FoundUnit& unit : device.units) {
        if (unit.enclosure) AddSes(device, unit);
      }
    }
    for (size_t i = 1; i < tree_.owners.size(); ++i) {
      Mention({tree_.owners[i].facts.enclosure, tree_.owners[i].facts.key}, "");
    }
    for (const FoundDevice& device : tree_.devices) {
      Mention({device.facts.enclosure, device.facts.parent},
              device.place.bay ? BoxName(device.place) : "");
      for (const FoundUnit& unit : device.units) AddLinkedSlot(device, unit);
    }
    return std::move(out_);
  }

 private:
  // An enclosure as the host or expander shows it that leads to it. Two with one identifier may be
  // one or two: the registry knows (enclosure_copies.h).
  using Seen = std::pair<EnclosureKey, NodeKey>;

  EnclosureKey KeyOf(const FoundDevice& device, const FoundEnclosure& found) const {
    if (device.facts.enclosure != EnclosureKey()) return device.facts.enclosure;
    if (found.id != EnclosureKey()) return found.id;
    return EnclosureKey(LocalAddress(device.facts.os_name + "/" + found.os_name).value());
  }

  void AddSes(FoundDevice& device, const FoundUnit& unit) {
    const FoundEnclosure& found = *unit.enclosure;
    EnclosureFacts facts;
    facts.key = KeyOf(device, found);
    facts.host = host_;
    facts.sep_handle = unit.handle;
    facts.os_name = found.os_name;
    facts.slot_count = std::max<uint16_t>(found.components, found.slots.size());
    facts.place = device.facts.parent;
    device.facts.enclosure = facts.key;
    const bool first = known_.insert({facts.key, facts.place}).second;
    uint16_t listed = 0;
    for (const FoundSlot& slot : found.slots) listed += AddSlot(facts, slot, first) ? 1 : 0;
    if (listed > 0 && found.slots.size() >= found.components) {
      facts.lists_slots = true;
      facts.slot_count = listed;
    }
    if (first) out_.enclosures.push_back(std::move(facts));
  }

  // Whether it is the first report on the slot.
  bool AddSlot(EnclosureFacts& facts, const FoundSlot& slot, bool first) {
    if (!slot.number) return false;
    const SlotKey key = {facts.key, *slot.number};
    Occupy(key, slot.occupant);
    if (!slots_.insert({facts.place, key}).second || !first) return false;
    const bool lowest =
        numbered_.insert({facts.key, facts.place}).second || key.slot < facts.start_slot;
    if (lowest) facts.start_slot = key.slot;
    out_.slots.push_back({key, slot.name, slot.name, facts.place});
    return true;
  }

  // A bay that the kernel reports takes precedence. The registry finds contradictions.
  void Occupy(const SlotKey& place, const std::string& scsi_name) {
    const auto it = by_scsi_.find(scsi_name);
    if (it == by_scsi_.end()) return;
    EndDeviceFacts& occupant = it->second->facts;
    if (occupant.enclosure == EnclosureKey()) occupant.enclosure = place.enclosure;
    if (occupant.enclosure != place.enclosure) return;
    occupant.ses_slot = place.slot;
    if (!occupant.slot) occupant.slot = place.slot;
  }

  void Mention(const Seen& seen, const std::string& os_name) {
    if (seen.first == EnclosureKey() || !known_.insert(seen).second) return;
    EnclosureFacts facts;
    facts.key = seen.first;
    facts.place = seen.second;
    facts.host = host_;
    facts.os_name = os_name;
    facts.is_host = IsHost(facts.key, host_);
    out_.enclosures.push_back(std::move(facts));
  }

  void AddLinkedSlot(const FoundDevice& device, const FoundUnit& unit) {
    if (unit.slot_name.empty() || !device.facts.slot) return;
    const SlotKey key = {device.facts.enclosure, *device.facts.slot};
    const NodeKey& place = device.facts.parent;
    if (numbered_.contains({key.enclosure, place}) || !slots_.insert({place, key}).second) return;
    out_.slots.push_back({key, unit.slot_name, unit.slot_name, place});
  }

  const HostKey host_;
  HostTree& tree_;
  absl::flat_hash_map<std::string, FoundDevice*> by_scsi_;
  absl::flat_hash_set<Seen> known_;     // reported
  absl::flat_hash_set<Seen> numbered_;  // with slots of its own
  absl::flat_hash_set<std::pair<NodeKey, SlotKey>> slots_;
  EnclosureObservations out_;
};

}  // namespace

EnclosureObservations EnclosuresOf(HostKey host, HostTree& tree) {
  return Builder(host, tree).Build();
}

}  // namespace sasd::sysfs
