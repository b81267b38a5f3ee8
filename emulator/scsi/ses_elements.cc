#include "emulator/scsi/ses_elements.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "emulator/scsi/byte_writer.h"

namespace sasd::emulator::scsi {
namespace {

// Element status codes.
constexpr uint8_t kOk = 0x01, kNotInstalled = 0x05;
constexpr uint8_t kTemperatures = 2, kFans = 4, kPowerSupplies = 2;
constexpr uint8_t kCelsius = 27, kCelsiusOffset = 20;
constexpr uint16_t kFanTensRpm = 540;
constexpr uint8_t kRequestedOn = 0x20, kFanMiddleSpeed = 0x04;
constexpr uint8_t kMiniSasHd = 0x05, kAllLinks = 0xFF;
constexpr uint8_t kNoElement = 0xFF;
constexpr uint8_t kEndDevice = 1 << 4;  // device type of a phy descriptor
constexpr uint8_t kSspTarget = 0x08, kSataDevice = 0x01;
constexpr uint8_t kExpanderDescriptor = 1 << 6;
constexpr size_t kMaxExpanderPhys = 120;  // the limit of a descriptor's one-byte length

uint8_t Count(size_t count) { return static_cast<uint8_t>(std::min<size_t>(count, 0xFF)); }

}  // namespace

SesElements::SesElements(const Unit& unit) : unit_(unit), index_(unit.spec().enclosure) {
  FindExpanders();
  FindProcesses();
  // Slots and expanders come first: they have additional status, and Linux's ses.ko loses its place
  // if other types lie between them.
  groups_ = {
      {ElementType::kSlot, Count(enclosure().slot_count), "Array devices"},
      {ElementType::kExpander, Count(expanders_.size()), "SAS expanders"},
      {ElementType::kConnector, Count(enclosure().connectors.size()), "SAS connectors"},
      {ElementType::kTemperature, kTemperatures, "Temperature sensors"},
      {ElementType::kCooling, kFans, "Cooling fans"},
      {ElementType::kPowerSupply, kPowerSupplies, "Power supplies"},
      {ElementType::kElectronics, processes_, "Enclosure services electronics"},
      {ElementType::kEnclosure, 1, "Enclosure"},
  };
}

bool SesElements::OnThisSide(NodeRef node) const {
  return !node.is_host &&
         std::find(expanders_.begin(), expanders_.end(), node.index) != expanders_.end();
}

void SesElements::FindExpanders() {
  const NodeRef own = unit_.spec().ports[unit_.port].at.node;
  if (own.is_host) return;
  expanders_ = {own.index};
  for (size_t i = 0; i < expanders_.size(); ++i) {
    const uint32_t expander = expanders_[i];
    for (int phy = 0; phy < unit_.fabric.expander(expander).phy_count; ++phy) {
      const NodeRef peer =
          unit_.fabric.Cabled({{false, expander}, static_cast<uint8_t>(phy)}).node();
      if (!peer.valid() || peer.is_host || OnThisSide(peer)) continue;
      if (unit_.fabric.expander(peer.index).enclosure == index_) expanders_.push_back(peer.index);
    }
  }
}

void SesElements::FindProcesses() {
  for (uint32_t expander = 0; expander < unit_.fabric.spec().expanders.size(); ++expander) {
    if (unit_.fabric.expander(expander).enclosure != index_) continue;
    for (int phy = 0; phy < unit_.fabric.expander(expander).phy_count; ++phy) {
      const PhyLink link = unit_.fabric.Cabled({{false, expander}, static_cast<uint8_t>(phy)});
      if (link.peer != PhyLink::Peer::kDevice) continue;
      if (unit_.fabric.model_of(link.peer_index).type != DeviceModel::Type::kEnclosure) continue;
      if (link.peer_index == unit_.device) own_process_ = processes_;
      ++processes_;
    }
  }
}

uint32_t SesElements::DeviceIn(int slot) const {
  const std::vector<uint32_t>& slots = unit_.fabric.slots(index_);
  const uint32_t device = static_cast<size_t>(slot) < slots.size() ? slots[slot] : kNoIndex;
  return device != kNoIndex && unit_.fabric.device_present(device) ? device : kNoIndex;
}

std::string SesElements::Descriptor(ElementType type, int i) const {
  switch (type) {
    case ElementType::kSlot:
      return absl::StrFormat("Slot %02d", enclosure().start_slot + i);
    case ElementType::kExpander:
      return absl::StrCat("Expander ", i);
    case ElementType::kConnector:
      return absl::StrCat("Connector ", enclosure().connectors[i]);
    case ElementType::kTemperature:
      return absl::StrCat("Temperature ", i);
    case ElementType::kCooling:
      return absl::StrCat("Fan ", i);
    case ElementType::kPowerSupply:
      return absl::StrCat("Power supply ", i);
    case ElementType::kElectronics:
      return absl::StrCat("Enclosure services ", i);
    case ElementType::kEnclosure:
      return "Enclosure";
  }
  return "";
}

// SES-3, 7.3: the status elements of each type.
Bytes SesElements::Status(ElementType type, int i) const {
  switch (type) {
    case ElementType::kSlot: {
      const SlotRequest request = unit_.memory.slot(index_, static_cast<uint16_t>(i));
      const uint8_t status = DeviceIn(i) == kNoIndex ? kNotInstalled : kOk;
      return {status, request.array, request.indicators, request.fault};
    }
    case ElementType::kExpander:
      return {unit_.fabric.expander_up(expanders_[i]) ? kOk : kNotInstalled, 0, 0, 0};
    case ElementType::kConnector:
      return {kOk, kMiniSasHd, kAllLinks, 0};
    case ElementType::kTemperature:
      return {kOk, 0, kCelsius + kCelsiusOffset, 0};
    case ElementType::kCooling:
      return {kOk, kFanTensRpm >> 8, kFanTensRpm & 0xFF, kRequestedOn | kFanMiddleSpeed};
    case ElementType::kPowerSupply:
      return {kOk, 0, 0, kRequestedOn};
    case ElementType::kElectronics:
      return {kOk, 0, static_cast<uint8_t>(i == own_process_ ? 1 : 0), 0};  // REPORT
    case ElementType::kEnclosure:
      return {kOk, 0, 0, 0};
  }
  return Bytes(4);
}

// SES-3, 6.1.7: high critical, high warning, low warning, low critical.
Bytes SesElements::Thresholds(ElementType type, int) const {
  if (type != ElementType::kTemperature) return Bytes(4);
  return {55 + kCelsiusOffset, 45 + kCelsiusOffset, 10 + kCelsiusOffset, 5 + kCelsiusOffset};
}

// SES-3, 6.1.13.4. An empty slot has one phy without a device: Linux's ses.ko always reads one.
Bytes SesElements::SlotPhys(int slot) const {
  const uint32_t index = DeviceIn(slot);
  ByteWriter phys;
  uint8_t count = 0;
  if (index != kNoIndex) {
    const DeviceSpec& device = unit_.fabric.device(index);
    const bool sata = unit_.fabric.model_of(index).protocol == DeviceModel::Protocol::kSata;
    for (const DeviceSpec::Port& port : device.ports) {
      if (!port.at.node.valid() || !OnThisSide(port.at.node)) continue;
      const uint8_t phy = sata ? 0 : static_cast<uint8_t>(&port - device.ports);
      phys.U8(kEndDevice).U8(0).U8(0).U8(sata ? kSataDevice : kSspTarget);
      phys.Address(unit_.fabric.address(port.at.node)).Address(port.address).U8(phy).Zeros(7);
      ++count;
    }
  }
  if (count == 0) {
    phys.Zeros(28);
    count = 1;
  }
  const uint8_t number = static_cast<uint8_t>(enclosure().start_slot + slot);
  return ByteWriter().U8(count).U8(0).U8(0).U8(number).Append(phys.Take()).Take();
}

// SES-3, 6.1.13.6: for each phy the elements at its other end.
Bytes SesElements::ExpanderPhys(int i) const {
  const uint32_t expander = expanders_[i];
  const size_t count =
      std::min<size_t>(unit_.fabric.expander(expander).phy_count, kMaxExpanderPhys);
  ByteWriter writer;
  writer.U8(static_cast<uint8_t>(count)).U8(kExpanderDescriptor).Zeros(2);
  writer.Address(unit_.fabric.expander(expander).address);
  for (size_t phy = 0; phy < count; ++phy) {
    const PhyLink link = unit_.fabric.Cabled({{false, expander}, static_cast<uint8_t>(phy)});
    const bool device = link.peer == PhyLink::Peer::kDevice;
    writer.U8(ConnectorOf(link.node())).U8(device ? SlotElementOf(link.peer_index) : kNoElement);
  }
  return writer.Take();
}

// The element index of the connector that leads to `peer` outside of the enclosure. With several
// such connectors it is not known which one.
uint8_t SesElements::ConnectorOf(NodeRef peer) const {
  const bool outside =
      peer.valid() && (peer.is_host || unit_.fabric.expander(peer.index).enclosure != index_);
  if (!outside || enclosure().connectors.size() != 1) return kNoElement;
  return Count(enclosure().slot_count + expanders_.size());
}

uint8_t SesElements::SlotElementOf(uint32_t device) const {
  const std::vector<uint32_t>& slots = unit_.fabric.slots(index_);
  const auto it = std::find(slots.begin(), slots.end(), device);
  return it == slots.end() ? kNoElement : Count(static_cast<size_t>(it - slots.begin()));
}

}  // namespace sasd::emulator::scsi
