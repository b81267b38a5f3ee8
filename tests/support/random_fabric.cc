#include "tests/support/random_fabric.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "emulator/fabric/fabric_builder.h"
#include "tests/support/random.h"

namespace sasd::testing {
namespace {

using emulator::DeviceModel;
using emulator::DeviceSpec;
using emulator::ExpanderSpec;
using emulator::FabricSpec;
using emulator::HostSpec;
using emulator::kNoIndex;
using emulator::NodeRef;
using emulator::PhyRef;

enum Model : uint32_t { kSasDrive, kSataDrive, kSes };

DeviceModel MakeModel(DeviceModel::Protocol protocol, DeviceModel::Type type, const char* product) {
  DeviceModel model;
  model.protocol = protocol;
  model.type = type;
  model.vendor = "VIRTUAL";
  model.product = product;
  model.revision = "0001";
  model.size_bytes = type == DeviceModel::Type::kDisk ? 4'000'787'030'016 : 0;
  return model;
}

class Builder {
 public:
  explicit Builder(uint64_t seed) : random_(seed) {}

  FabricSpec Build() {
    spec_.name = "random";
    using Protocol = DeviceModel::Protocol;
    spec_.models = {MakeModel(Protocol::kSsp, DeviceModel::Type::kDisk, "SAS DRIVE"),
                    MakeModel(Protocol::kSata, DeviceModel::Type::kDisk, "SATA DRIVE"),
                    MakeModel(Protocol::kSsp, DeviceModel::Type::kEnclosure, "JBOD")};
    const size_t hosts = 1 + (random_.OneIn(3) ? 1 : 0), expanders = random_.Below(6);
    for (size_t i = 0; i < hosts; ++i) AddHost(i);
    for (size_t i = 0; i < expanders; ++i) AddExpander(i);
    if (hosts == 2 && expanders > 0 && random_.OneIn(2)) ShareTree();
    for (NodeRef node : Nodes()) AddDrives(node);
    // Few handles, so that they are reused soon.
    const auto handles = static_cast<uint16_t>(2 * (kHostPhys + expanders + spec_.devices.size()));
    for (HostSpec& host : spec_.hosts) host.max_dev_handle = handles;
    // The used phys, and up to two unused ones.
    for (size_t i = 0; i < expanders; ++i) {
      spec_.expanders[i].phy_count = static_cast<uint8_t>(next_phy_[1 + i] + random_.Below(3));
    }
    return std::move(spec_);
  }

 private:
  static constexpr uint8_t kHostPhys = 8;

  void AddHost(size_t number) {
    HostSpec host;
    host.id = absl::StrCat("h", number);
    host.address = SasAddress(0x500605B000000000 + number * 0x10);
    host.board_name = "HBA 9400-8e";
    host.chip_name = "SAS3408";
    host.firmware_version = "24.00.00.00";
    host.generation = emulator::MpiGeneration(random_.Below(3));
    host.phy_count = kHostPhys;
    if (random_.OneIn(4)) host.request_credit = static_cast<uint16_t>(2 + random_.Below(4));
    if (random_.OneIn(4)) host.reply_frame_dwords = static_cast<uint8_t>(16 + random_.Below(8));
    if (random_.OneIn(3)) host.report_missing_delay_s = static_cast<uint16_t>(1 + random_.Below(3));
    host.port_per_link = random_.OneIn(2);
    host.removes_deepest_first = host.port_per_link;  // both orders, without another draw
    host.enclosure_logical_id = host.address;
    spec_.hosts.push_back(std::move(host));
    host_phys_.push_back(0);
  }

  // Adds an expander beneath a host or an earlier expander.
  void AddExpander(size_t number) {
    if (number == 0) next_phy_.push_back(0);  // expander i has index 1 + i
    ExpanderSpec expander;
    expander.id = absl::StrCat("x", number);
    expander.address = SasAddress(0x5003048000000000 + number * 0x1000 + 0xBF);
    expander.phy_count = 254;  // until all links are made
    expander.vendor = "VIRTUAL";
    expander.product = "JBOD";
    expander.revision = "0001";
    if (!random_.OneIn(5)) {
      expander.enclosure = static_cast<uint32_t>(spec_.enclosures.size());
      emulator::EnclosureSpec enclosure;
      enclosure.id = absl::StrCat("e", number);
      enclosure.logical_id = SasAddress(expander.address.value() + 0x40);
      enclosure.slot_count = 12;
      enclosure.start_slot = static_cast<uint16_t>(random_.Below(2));
      spec_.enclosures.push_back(std::move(enclosure));
    }
    const std::vector<NodeRef> nodes = Nodes();
    NodeRef parent = nodes[random_.Below(nodes.size())];
    spec_.expanders.push_back(std::move(expander));
    next_phy_.push_back(0);
    if (FreePhys(parent) == 0)
      parent = {false, 0};  // the first expander takes the place of a full parent
    Cable(parent, {false, static_cast<uint32_t>(number)});
    if (random_.OneIn(2)) AddDevice({false, static_cast<uint32_t>(number)}, kSes);
  }

  // Connects the second host to the first one's tree.
  void ShareTree() {
    for (const emulator::LinkSpec& link : spec_.links) {
      if (link.a.node == NodeRef{true, 1}) return;  // it may be in the tree already
    }
    if (FreePhys({true, 1}) > 0) {
      Cable({true, 1}, {false, static_cast<uint32_t>(random_.Below(spec_.expanders.size()))});
    }
  }

  void AddDrives(NodeRef node) {
    for (size_t drives = random_.Below(5); drives > 0; --drives) {
      if (FreePhys(node) == 0) return;
      const bool sata = random_.OneIn(3);
      DeviceSpec& device = AddDevice(node, sata ? kSataDrive : kSasDrive);
      if (sata || !random_.OneIn(4)) continue;
      const std::vector<NodeRef> nodes = Nodes();
      const NodeRef other = nodes[random_.Below(nodes.size())];
      if (other == node || FreePhys(other) == 0) continue;
      device.ports[1].at = TakePhy(other);
      device.ports[1].address = SasAddress(device.name.value() + 2);
    }
  }

  DeviceSpec& AddDevice(NodeRef node, Model model) {
    DeviceSpec device;
    const size_t number = spec_.devices.size();
    device.id = absl::StrCat(model == kSes ? "s" : "d", number);
    device.serial = absl::StrCat("SERIAL", number);
    device.name = SasAddress(0x5000C50000000000 + number * 4);
    device.model = model;
    device.ports[0].at = TakePhy(node);
    const uint8_t phy = device.ports[0].at.phy;
    device.ports[0].address = SasAddress(device.name.value() + 1);
    if (model == kSataDrive) {
      device.ports[0].address =
          node.is_host ? SasAddress(0x4433221100000000 + (uint64_t{phy} << 24))
                       : emulator::StpAddress(spec_.expanders[node.index].address, phy);
    }
    if (!node.is_host && spec_.expanders[node.index].enclosure != kNoIndex) {
      device.enclosure = spec_.expanders[node.index].enclosure;
      emulator::EnclosureSpec& enclosure = spec_.enclosures[device.enclosure];
      device.slot = static_cast<uint16_t>(enclosure.start_slot + slots_[device.enclosure]++);
    }
    device.absent = model != kSes && random_.OneIn(8);
    spec_.devices.push_back(std::move(device));
    return spec_.devices.back();
  }

  std::vector<NodeRef> Nodes() const {
    std::vector<NodeRef> nodes;
    for (uint32_t i = 0; i < spec_.hosts.size(); ++i) nodes.push_back({true, i});
    for (uint32_t i = 0; i < spec_.expanders.size(); ++i) nodes.push_back({false, i});
    return nodes;
  }

  uint8_t& NextPhy(NodeRef node) {
    return node.is_host ? host_phys_[node.index] : next_phy_[1 + node.index];
  }
  size_t FreePhys(NodeRef node) { return (node.is_host ? kHostPhys : 60) - NextPhy(node); }
  PhyRef TakePhy(NodeRef node) { return {node, NextPhy(node)++}; }

  void Cable(NodeRef a, NodeRef b) {
    for (size_t lanes = size_t{1} << random_.Below(3); lanes > 0 && FreePhys(a) > 0; --lanes) {
      emulator::LinkSpec link;
      link.a = TakePhy(a);
      link.b = TakePhy(b);
      spec_.links.push_back(link);
    }
  }

  Random random_;
  FabricSpec spec_;
  std::vector<uint8_t> host_phys_, next_phy_;  // the next free phy of each node
  uint16_t slots_[8] = {};                     // used slots, by enclosure
};

}  // namespace

FabricSpec RandomFabric(uint64_t seed) { return Builder(seed).Build(); }

FabricSpec RandomLargeFabric(uint64_t seed) {
  Random random(seed);
  emulator::SyntheticFabricOptions options;
  struct Shape {
    int hosts, expanders, devices;
  };
  static constexpr Shape kShapes[] = {{1, 100, 100}, {1, 200, 50}, {2, 50, 100}, {4, 25, 100}};
  const Shape& shape = kShapes[random.Below(std::size(kShapes))];
  options.hosts = shape.hosts;
  options.expanders_per_host = shape.expanders;
  options.devices_per_expander = shape.devices;
  // No SATA drive is at a phy whose STP address is that of the expander or its SES device.
  static constexpr int kSataEvery[] = {0, 7, 11, 13};
  options.sata_every = kSataEvery[random.Below(std::size(kSataEvery))];
  // With two paths, both hosts show each drive.
  options.dual_path = shape.hosts == 2 && random.OneIn(2);
  return emulator::SyntheticFabric(options);
}

}  // namespace sasd::testing
