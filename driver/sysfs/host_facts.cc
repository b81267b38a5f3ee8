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
  Builder(HostTree tree, const HostKey& host, KeyAssignments& keys)
      : tree_(std::move(tree)),
        host_(host),
        place_(tree_.facts.pci_address.empty() ? tree_.facts.os_name : tree_.facts.pci_address),
        keys_(keys) {}

  HostReading Build() {
    HostReading reading;
    reading.host = host_;
    reading.os_name = tree_.facts.os_name;
    reading.silent = SilentFacts();
    if (tree_.counts_resets) reading.reset_count = tree_.reset_count;
    AssignKeys();
    AssignBoxes();
    AttachPhys();
    ForgetInventedRates();
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

  SasAddress AddressOfNode(SasAddress address, absl::string_view os_name) const {
    // The key of a device with the host's own address would be the host's key.
    if (address != SasAddress() && address != host_.address) return address;
    return LocalAddress(absl::StrCat(place_, "/", os_name));
  }

  // The path of a node behind a port (PlacedNode), whose owner has this path.
  std::string PathBehind(int port, const std::string& of_owner) const {
    const int owner = tree_.ports[port].owner;
    if (owner != 0 && of_owner.empty()) return "";
    std::optional<PhyId> lowest;
    for (const FoundPhy& phy : tree_.owners[owner].phys) {
      if (phy.port != port) continue;
      if (!lowest || phy.facts.key.phy < *lowest) lowest = phy.facts.key.phy;
    }
    if (!lowest) return "";
    return absl::StrCat(of_owner, owner == 0 ? "" : ".", lowest->value());
  }

  // The expanders, then the end devices.
  std::vector<PlacedNode> PlacedNodes() const {
    std::vector<PlacedNode> nodes;
    std::vector<std::string> paths(tree_.owners.size());
    for (size_t i = 1; i < tree_.owners.size(); ++i) {
      const FoundOwner& expander = tree_.owners[i];
      paths[i] = PathBehind(expander.port, paths[tree_.ports[expander.port].owner]);
      nodes.push_back(
          {AddressOfNode(AddressOfExpander(expander), expander.facts.os_name), paths[i]});
    }
    for (const FoundDevice& device : tree_.devices) {
      nodes.push_back({AddressOfNode(device.address, device.facts.os_name),
                       PathBehind(device.port, paths[tree_.ports[device.port].owner])});
    }
    return nodes;
  }

  void AssignKeys() {
    const std::vector<PlacedNode> nodes = PlacedNodes();
    const std::vector<uint8_t> numbers = keys_.NumbersOf(host_, nodes);
    size_t next = 0;
    const auto key = [&] {
      const size_t i = next++;
      return NodeKey{host_, nodes[i].address, PhysicalPort(numbers[i])};
    };
    tree_.owners[0].facts.key = NodeKey::Host(host_);
    for (size_t i = 1; i < tree_.owners.size(); ++i) {
      FoundOwner& expander = tree_.owners[i];
      expander.facts.key = key();
      const FoundOwner& parent = tree_.owners[tree_.ports[expander.port].owner];
      expander.facts.parent = parent.facts.key;
      // The attribute "level" is not the level: mptsas and mpt3sas fill it with a format of REPORT
      // MANUFACTURER INFORMATION.
      expander.facts.level = static_cast<uint8_t>(parent.facts.level + 1);
      expander.facts.phy_count = static_cast<uint8_t>(expander.phys.size());
    }
    for (FoundDevice& device : tree_.devices) {
      device.facts.key = key();
      device.facts.parent = tree_.owners[tree_.ports[device.port].owner].facts.key;
    }
  }

  // A drive of hpsa and smartpqi knows the connector, the box there and its bay. The box is the
  // enclosure of an SES device in the same box, if there is one; otherwise it gets an identifier
  // made from its place.
  void AssignBoxes() {
    absl::flat_hash_map<std::string, EnclosureKey> known;
    for (const FoundDevice& device : tree_.devices) {
      if (!device.place.connector.empty() && device.facts.enclosure != EnclosureKey()) {
        known.emplace(BoxName(device.place), device.facts.enclosure);
      }
    }
    for (FoundDevice& device : tree_.devices) {
      if (device.place.connector.empty()) continue;
      EndDeviceFacts& facts = device.facts;
      facts.connector_name = device.place.connector;
      if (!device.place.bay) continue;
      if (!facts.slot || facts.enclosure == EnclosureKey()) facts.slot = *device.place.bay;
      if (facts.enclosure != EnclosureKey()) continue;
      const std::string box = BoxName(device.place);
      const EnclosureKey made(LocalAddress(absl::StrCat(place_, "/", box)).value());
      facts.enclosure = known.emplace(box, made).first->second;
    }
  }

  // After a reset of the HBA, and when a member of an IR volume changes, mpt3sas writes the
  // constant MPI2_SAS_NEG_LINK_RATE_1_5 over the rate of the phys that lead to end devices
  // (_scsih_scan_for_devices_after_reset and _scsih_sas_pd_add in mpt3sas_scsih.c). The rate is
  // then not known.
  void ForgetInventedRates() {
    const std::string& driver = tree_.facts.driver_name;
    if (driver != "mpt3sas" && driver != "mpt2sas") return;
    if (tree_.reset_count == 0 && !tree_.has_volumes) return;
    for (FoundOwner& owner : tree_.owners) {
      for (FoundPhy& phy : owner.phys) {
        if (phy.port == kNone || phy.facts.negotiated != LinkRate::k1_5Gbps) continue;
        if (tree_.ports[phy.port].leads_to != PortLeadsTo::kEndDevice) continue;
        phy.facts.negotiated = LinkRate::kUnknown;
      }
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
  // link but no port, if the parent's port has the same number of phys. The phy of a pulled drive
  // may look the same: mpt3sas takes it out of its port and leaves its rate
  // (mpt3sas_transport_port_remove). Then they are the one run of neighbours with that number;
  // without such a run nobody knows.
  void AttachUpwardPhys(FoundOwner& expander) {
    const auto upward = [](const FoundPhy& phy) {
      return phy.portless && IsLinkUp(phy.facts.negotiated);
    };
    const size_t width = tree_.ports[expander.port].phy_count;
    std::vector<FoundPhy*> candidates;
    for (FoundPhy& phy : expander.phys) {
      if (upward(phy)) candidates.push_back(&phy);
    }
    if (candidates.size() > width) candidates = OnlyRunOf(width, candidates);
    if (candidates.size() != width) return;
    for (FoundPhy* phy : candidates) phy->facts.attached = expander.facts.parent.address;
  }

  // The only run of so many phys with successive numbers; empty if there is none, or another one.
  static std::vector<FoundPhy*> OnlyRunOf(size_t width, std::vector<FoundPhy*> phys) {
    const auto number = [](const FoundPhy* phy) { return phy->facts.key.phy.value(); };
    std::sort(phys.begin(), phys.end(),
              [&](const FoundPhy* a, const FoundPhy* b) { return number(a) < number(b); });
    std::vector<FoundPhy*> only;
    for (size_t begin = 0, end; begin < phys.size(); begin = end) {
      for (end = begin + 1; end < phys.size(); ++end) {
        if (number(phys[end]) != number(phys[end - 1]) + 1) break;
      }
      if (end - begin != width) continue;
      if (!only.empty()) return {};
      only.assign(phys.begin() + static_cast<ptrdiff_t>(begin),
                  phys.begin() + static_cast<ptrdiff_t>(end));
    }
    return only;
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
  const std::string place_;  // of the host in this machine
  KeyAssignments& keys_;
  absl::flat_hash_set<PortKey> ports_;
  std::vector<Observation> out_;
};

}  // namespace

HostReading ObservationsOf(HostTree tree, const HostKey& host, KeyAssignments& keys) {
  return Builder(std::move(tree), host, keys).Build();
}

}  // namespace sasd::sysfs
