#include "driver/sysfs/host_facts.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "driver/sysfs/attribute_text.h"
#include "driver/sysfs/enclosure_facts.h"

namespace sasd::sysfs {
namespace {

// Assigns the keys of one host. A repeated address gets the next port number.
class Keys {
 public:
  Keys(HostKey host, std::string place) : host_(host), place_(std::move(place)) {}

  NodeKey Assign(SasAddress address, absl::string_view os_name) {
    // The key of a device with the host's own address would be the host's key.
    if (address == SasAddress() || address == host_.address) {
      address = LocalAddress(absl::StrCat(place_, "/", os_name));
    }
    return {host_, address, PhysicalPort(used_[address]++)};
  }

 private:
  const HostKey host_;
  const std::string place_;
  absl::flat_hash_map<SasAddress, uint8_t> used_;
};

SasAddress AddressOfExpander(const FoundOwner& expander) {
  if (expander.address != SasAddress()) return expander.address;
  for (const FoundPhy& phy : expander.phys) {
    if (phy.address != SasAddress()) return phy.address;
  }
  return SasAddress();
}

}  // namespace

SasAddress AddressOf(const HostTree& tree) {
  if (tree.address != SasAddress()) return tree.address;
  absl::flat_hash_set<SasAddress> attached;
  for (const FoundDevice& device : tree.devices) attached.insert(device.address);
  for (size_t i = 1; i < tree.owners.size(); ++i) {
    attached.insert(AddressOfExpander(tree.owners[i]));
  }
  // Under mptsas an HBA's phy reports the address of the attached device.
  for (const FoundPhy& phy : tree.owners[0].phys) {
    const bool own = phy.address != SasAddress() && !attached.contains(phy.address);
    if (own && tree.facts.driver_name != "mptsas") return phy.address;
  }
  return LocalAddress(tree.facts.pci_address.empty() ? tree.facts.os_name : tree.facts.pci_address);
}

namespace {

// Makes the observations of one tree, step by step. Each step appends some.
class Builder {
 public:
  Builder(HostTree tree, const HostKey& host)
      : tree_(std::move(tree)),
        host_(host),
        keys_(host_,
              tree_.facts.pci_address.empty() ? tree_.facts.os_name : tree_.facts.pci_address) {}

  HostReading Build() {
    HostReading reading;
    reading.host = host_;
    reading.os_name = tree_.facts.os_name;
    reading.silent = SilentFacts();
    AssignKeys();
    AttachPhys();
    for (FoundDevice& device : tree_.devices) FinishDevice(device);
    EnclosureObservations enclosures = EnclosuresOf(host_, tree_);
    AddHost();
    Append(enclosures.enclosures);
    AddExpanders();
    AddPorts();
    AddPhys();
    AddDevices();
    Append(enclosures.slots);
    reading.observations = std::move(out_);
    return reading;
  }

 private:
  std::vector<SilentFact> SilentFacts() const {
    std::vector<SilentFact> facts;
    for (const FoundOwner& owner : tree_.owners) {
      for (const FoundPhy& phy : owner.phys) {
        facts.push_back({SilentFact::Kind::kPhyRate, phy.facts.os_name, phy.facts.negotiated, ""});
      }
    }
    for (const FoundPort& port : tree_.ports) {
      facts.push_back(
          {SilentFact::Kind::kPortMembers, port.os_name, LinkRate::kUnknown, port.members});
    }
    return facts;
  }

  void AssignKeys() {
    tree_.owners[0].facts.key = NodeKey::Host(host_);
    for (size_t i = 1; i < tree_.owners.size(); ++i) {
      FoundOwner& expander = tree_.owners[i];
      expander.facts.key = keys_.Assign(AddressOfExpander(expander), expander.facts.os_name);
      const FoundOwner& parent = tree_.owners[tree_.ports[expander.port].owner];
      expander.facts.parent = parent.facts.key;
      // The attribute "level" is not the level: mptsas and mpt3sas fill it with a format of REPORT
      // MANUFACTURER INFORMATION.
      expander.facts.level = static_cast<uint8_t>(parent.facts.level + 1);
      expander.facts.phy_count = static_cast<uint8_t>(expander.phys.size());
    }
    for (FoundDevice& device : tree_.devices) {
      device.facts.key = keys_.Assign(device.address, device.facts.os_name);
      device.facts.parent = tree_.owners[tree_.ports[device.port].owner].facts.key;
    }
  }

  SasAddress RemoteOf(const FoundPort& port) const {
    switch (port.leads_to) {
      case PortLeadsTo::kExpander:
      case PortLeadsTo::kParent:
        return port.remote == kNone ? SasAddress() : tree_.owners[port.remote].facts.key.address;
      case PortLeadsTo::kEndDevice:
        return tree_.devices[port.remote].facts.key.address;
      case PortLeadsTo::kNothing:
        break;
    }
    return SasAddress();
  }

  void AttachPhys() {
    CountMembers();
    for (size_t i = 0; i < tree_.owners.size(); ++i) {
      FoundOwner& owner = tree_.owners[i];
      for (FoundPhy& phy : owner.phys) {
        phy.facts.key.owner = owner.facts.key;
        if (phy.is_lane()) phy.facts.attached = RemoteOf(tree_.ports[phy.port]);
      }
      if (i > 0) AttachUpwardPhys(owner);
    }
  }

  // mpt3sas makes no port of an expander's phys towards its parent. They are the phys that have a
  // link but no port, if the parent's port has the same number of phys.
  void AttachUpwardPhys(FoundOwner& expander) {
    const auto upward = [](const FoundPhy& phy) {
      return phy.portless && IsLinkUp(phy.facts.negotiated);
    };
    const auto count = std::count_if(expander.phys.begin(), expander.phys.end(), upward);
    if (count != tree_.ports[expander.port].phy_count) return;
    for (FoundPhy& phy : expander.phys) {
      if (upward(phy)) phy.facts.attached = expander.facts.parent.address;
    }
  }

  // Finds the lowest member of each port, and the port's width. The width is less than num_phys if
  // a member is down.
  void CountMembers() {
    std::vector<uint8_t> members(tree_.ports.size()), down(tree_.ports.size());
    for (const FoundOwner& owner : tree_.owners) {
      for (const FoundPhy& phy : owner.phys) {
        if (phy.port == kNone) continue;
        const FoundPort& port = tree_.ports[phy.port];
        const bool first = members[phy.port]++ == 0;
        if (phy.down) ++down[phy.port];
        if (port.leads_to != PortLeadsTo::kEndDevice) continue;
        std::optional<PhyId>& lowest = tree_.devices[port.remote].facts.parent_phy;
        if (first || phy.facts.key.phy < *lowest) lowest = phy.facts.key.phy;
      }
    }
    for (size_t i = 0; i < members.size(); ++i) {
      uint8_t& width = tree_.ports[i].phy_count;
      const uint8_t all = width == 0 ? members[i] : width;
      width = static_cast<uint8_t>(all - std::min(all, down[i]));
    }
  }

  void FinishDevice(FoundDevice& device) {
    EndDeviceFacts& facts = device.facts;
    // A bay without an enclosure: mptsas reports 0 for every device.
    if (facts.enclosure == EnclosureKey()) facts.slot.reset();
    // A device without a SCSI protocol gets no SCSI device: the kernel knows it completely.
    const bool complete = (facts.protocols.target & Protocols::kScsi) == 0;
    facts.state = complete ? DeviceState::kAttached : DeviceState::kDiscovered;
    if (device.units.empty()) return;
    const FoundUnit& first = device.units.front();
    facts.state = first.state;
    facts.handle = first.handle;
    if (facts.state == DeviceState::kFailed) {
      facts.failure =
          absl::StrCat("SCSI device ", first.facts.scsi_address, " is ", first.state_text);
    }
    // A SATA disk's own name is that of its only unit. The expander makes its SAS address.
    const bool sata = (facts.protocols.target & (Protocols::kSata | Protocols::kStp)) != 0;
    if (sata) {
      const absl::StatusOr<SasAddress> name = ParseSasAddress(first.facts.wwid);
      if (name.ok()) facts.device_name = *name;
    }
  }

  void AddHost() {
    HostFacts facts = tree_.facts;
    facts.key = host_;
    facts.phy_count = static_cast<uint8_t>(tree_.owners[0].phys.size());
    out_.push_back(std::move(facts));
    DiscoveryFacts discovery;
    discovery.host = host_;
    discovery.state = tree_.in_recovery ? DiscoveryState::kRecovering : DiscoveryState::kSettled;
    discovery.reset_count = tree_.reset_count;
    out_.push_back(std::move(discovery));
  }

  void AddExpanders() {
    for (size_t i = 1; i < tree_.owners.size(); ++i) {
      out_.push_back(std::move(tree_.owners[i].facts));
    }
  }

  void AddPorts() {
    for (FoundPort& port : tree_.ports) {
      PortFacts facts;
      facts.key = {tree_.owners[port.owner].facts.key, RemoteOf(port)};
      if (facts.key.attached == SasAddress() || !ports_.insert(facts.key).second) continue;
      facts.width = port.phy_count;
      facts.os_name = std::move(port.os_name);
      out_.push_back(std::move(facts));
    }
  }

  void AddPhys() {
    for (FoundOwner& owner : tree_.owners) {
      absl::flat_hash_set<PhyId> seen;
      for (FoundPhy& phy : owner.phys) {
        if (seen.insert(phy.facts.key.phy).second) out_.push_back(std::move(phy.facts));
      }
    }
  }

  void AddDevices() {
    for (FoundDevice& device : tree_.devices) out_.push_back(device.facts);
    for (FoundDevice& device : tree_.devices) {
      absl::flat_hash_set<uint64_t> seen;
      for (FoundUnit& unit : device.units) {
        unit.facts.device = device.facts.key;
        if (seen.insert(unit.facts.lun).second) out_.push_back(std::move(unit.facts));
      }
    }
  }

  template <typename Facts>
  void Append(std::vector<Facts>& facts) {
    for (Facts& f : facts) out_.push_back(std::move(f));
  }

  HostTree tree_;
  const HostKey host_;
  Keys keys_;
  absl::flat_hash_set<PortKey> ports_;
  std::vector<Observation> out_;
};

}  // namespace

HostReading ObservationsOf(HostTree tree, const HostKey& host) {
  return Builder(std::move(tree), host).Build();
}

}  // namespace sasd::sysfs
