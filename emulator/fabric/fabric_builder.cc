#include "emulator/fabric/fabric_builder.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_format.h"

namespace sasd::emulator {
namespace {

constexpr int kHostPhys = 8;
constexpr int kFanOut = 40;  // child expanders that one expander feeds, x1 each
// Phys of an expander: the uplink, the drives, the downlinks, the SES device.
constexpr uint8_t kUplink = 0, kFirstDrive = 1;

SasAddress ExpanderAddress(int expander) {
  return SasAddress(0x5003048000000000 + static_cast<uint64_t>(expander) * 0x1000 + 0xBF);
}

class Builder {
 public:
  explicit Builder(const SyntheticFabricOptions& options) : options_(options) {}

  FabricSpec Build() {
    spec_.name = "synthetic";
    spec_.models.push_back(Drive(DeviceModel::Protocol::kSsp));
    spec_.models.push_back(Drive(DeviceModel::Protocol::kSata));
    spec_.models.push_back(SesModel());
    for (int host = 0; host < options_.hosts; ++host) AddHost(host);
    for (int host = 0; host < options_.hosts; ++host) AddExpanders(host);
    return std::move(spec_);
  }

 private:
  DeviceModel Drive(DeviceModel::Protocol protocol) const {
    const bool sata = protocol == DeviceModel::Protocol::kSata;
    DeviceModel model;
    model.protocol = protocol;
    model.vendor = sata ? "ATA" : "SEAGATE";
    model.product = sata ? "ST8000NM0045" : "ST8000NM0075";
    model.revision = "E004";
    model.size_bytes = 8001563222016;
    model.max_rate = sata ? LinkRate::k6Gbps : LinkRate::k12Gbps;
    return model;
  }

  DeviceModel SesModel() const {
    DeviceModel model;
    model.type = DeviceModel::Type::kEnclosure;
    model.vendor = "VIRTUAL";
    model.product = "JBOD";
    model.revision = "0001";
    return model;
  }

  void AddHost(int number) {
    HostSpec host;
    host.id = absl::StrFormat("h%d", number);
    host.address = SasAddress(0x500605B000000000 + static_cast<uint64_t>(number) * 0x10);
    host.board_name = "HBA 9400-8e";
    host.chip_name = "SAS3408";
    host.firmware_version = "24.00.00.00";
    host.pci_address = absl::StrFormat("0000:%02x:00.0", 0x10 + number);
    host.generation = MpiGeneration::k2_6;
    host.phy_count = kHostPhys;
    const int handles = options_.expanders_per_host * (options_.devices_per_expander + 2);
    host.max_dev_handle = static_cast<uint16_t>(std::clamp(2 * handles + 1, 1025, 0xFFF1));
    host.report_missing_delay_s = options_.report_missing_delay_s;
    host.enclosure_logical_id = host.address;
    spec_.hosts.push_back(std::move(host));
  }

  // Uses as few expanders as possible at the HBA: all if up to 7, else 8 that feed the others.
  void AddExpanders(int host) {
    const int count = options_.expanders_per_host;
    const int roots = count < kHostPhys ? count : kHostPhys;
    const int first = static_cast<int>(spec_.expanders.size());
    for (int i = 0; i < count; ++i) {
      AddExpander(host, i);
      const NodeRef node{false, static_cast<uint32_t>(first + i)};
      LinkSpec link;
      link.b = {node, kUplink};
      if (i < roots) {
        link.a = {{true, static_cast<uint32_t>(host)}, static_cast<uint8_t>(i)};
      } else {
        const int child = i - roots;
        const int parent = child / kFanOut;
        link.a = {{false, static_cast<uint32_t>(first + parent)},
                  static_cast<uint8_t>(FirstDownlink() + child % kFanOut)};
      }
      spec_.links.push_back(link);
    }
  }

  int FirstDownlink() const { return kFirstDrive + options_.devices_per_expander; }
  bool FansOut(int expander) const {  // true: it feeds other expanders
    const int others = options_.expanders_per_host - kHostPhys;
    return others > 0 && expander < (others + kFanOut - 1) / kFanOut;
  }

  void AddExpander(int host, int number) {
    const int global = static_cast<int>(spec_.expanders.size());
    ExpanderSpec expander;
    expander.id = absl::StrFormat("h%d-x%03d", host, number);
    expander.address = ExpanderAddress(global);
    expander.phy_count =
        static_cast<uint8_t>(FirstDownlink() + (FansOut(number) ? kFanOut : 0) + 1);
    expander.vendor = "VIRTUAL";
    expander.product = "JBOD";
    expander.revision = "0001";
    const bool second = options_.dual_path && host % 2 == 1;
    const uint32_t peer =
        static_cast<uint32_t>(global - options_.expanders_per_host);  // of the previous host
    expander.enclosure = second ? spec_.expanders[peer].enclosure : AddEnclosure(host, number);
    spec_.expanders.push_back(expander);
    const uint32_t index = static_cast<uint32_t>(global);
    if (options_.ses) AddSes(index);
    for (int i = 0; i < options_.devices_per_expander; ++i) {
      if (second) {
        PlugSecondPort(index, peer, i);
      } else {
        AddDrive(index, i);
      }
    }
  }

  uint32_t AddEnclosure(int host, int number) {
    EnclosureSpec enclosure;
    enclosure.id = absl::StrFormat("h%d-e%03d", host, number);
    enclosure.logical_id =
        SasAddress(ExpanderAddress(static_cast<int>(spec_.expanders.size())).value() + 0x40);
    enclosure.slot_count = static_cast<uint16_t>(options_.devices_per_expander);
    spec_.enclosures.push_back(std::move(enclosure));
    return static_cast<uint32_t>(spec_.enclosures.size() - 1);
  }

  void AddSes(uint32_t expander) {
    const ExpanderSpec& at = spec_.expanders[expander];
    DeviceSpec device;
    device.id = at.id + "-ses";
    device.ports[0].at = {{false, expander}, static_cast<uint8_t>(at.phy_count - 1)};
    device.ports[0].address = device.name = SasAddress(at.address.value() - 2);
    device.model = 2;
    device.enclosure = at.enclosure;
    device.slot = static_cast<uint16_t>(options_.devices_per_expander);
    spec_.devices.push_back(std::move(device));
  }

  void AddDrive(uint32_t expander, int slot) {
    const ExpanderSpec& at = spec_.expanders[expander];
    const bool sata = options_.sata_every > 0 && slot % options_.sata_every == 0;
    const uint8_t phy = static_cast<uint8_t>(kFirstDrive + slot);
    DeviceSpec device;
    device.id = absl::StrFormat("%s-d%03d", at.id, slot);
    device.serial = absl::StrFormat("ZA1%05d", drives_);
    device.name = SasAddress(0x5000C50000000000 + drives_++ * 4);
    device.ports[0].at = {{false, expander}, phy};
    device.ports[0].address =
        sata ? StpAddress(at.address, phy) : SasAddress(device.name.value() + 1);
    device.model = sata ? 1 : 0;
    device.enclosure = at.enclosure;
    device.slot = static_cast<uint16_t>(slot);
    first_drive_.resize(spec_.expanders.size(), 0);
    if (slot == 0) first_drive_[expander] = static_cast<uint32_t>(spec_.devices.size());
    spec_.devices.push_back(std::move(device));
  }

  void PlugSecondPort(uint32_t expander, uint32_t peer, int slot) {
    DeviceSpec& device = spec_.devices[first_drive_[peer] + slot];
    const bool sata = spec_.models[device.model].protocol == DeviceModel::Protocol::kSata;
    const uint8_t phy = static_cast<uint8_t>(kFirstDrive + slot);
    device.ports[1].at = {{false, expander}, phy};
    device.ports[1].address = sata ? StpAddress(spec_.expanders[expander].address, phy)
                                   : SasAddress(device.name.value() + 2);
  }

  const SyntheticFabricOptions options_;
  FabricSpec spec_;
  std::vector<uint32_t> first_drive_;  // by expander
  uint64_t drives_ = 0;
};

}  // namespace

FabricSpec SyntheticFabric(const SyntheticFabricOptions& options) {
  return Builder(options).Build();
}

}  // namespace sasd::emulator
