// The pages of expanders and end devices, and the fields that pages of phys share.
#include <algorithm>

#include "driver/wire/mpi/pages.h"
#include "emulator/firmware/config_pages.h"

namespace sasd::emulator {
namespace {

using mpi::IocStatus;
namespace info = mpi::device_info;

PageResult Invalid() { return {IocStatus::kConfigInvalidPage, {}}; }

PageResult Found(Bytes page) { return {IocStatus::kSuccess, std::move(page)}; }

// What firmware sends for a connector without a name: "connector name(     )" in kernel logs.
constexpr char kBlankConnector[] = "    ";

constexpr uint32_t kInitiatorInfo =
    info::kEndDevice | info::kSspInitiator | info::kStpInitiator | info::kSmpInitiator;

}  // namespace

// The next alive handle of the kind after `after`; 0: none.
uint16_t ConfigPages::NextOfKind(uint16_t after, HandleEntry::Kind kind) const {
  uint16_t handle = topology_.handles().Next(after);
  while (handle != 0 && topology_.handles().Find(handle)->kind != kind) {
    handle = topology_.handles().Next(handle);
  }
  return handle;
}

PageResult ConfigPages::Expander0(uint32_t address) const {
  uint16_t handle = static_cast<uint16_t>(address);
  if ((address & mpi::page_address::kFormMask) == mpi::page_address::kFormNext) {
    handle = NextOfKind(handle, HandleEntry::Kind::kExpander);
  }
  const HandleEntry* const entry = topology_.handles().Find(handle);
  const ReportedNode* const node = topology_.Node(handle);
  if (entry == nullptr || node == nullptr || entry->kind != HandleEntry::Kind::kExpander) {
    return Invalid();
  }
  mpi::ExpanderPage0 page;
  page.port = PhysicalPort(entry->port);
  page.enclosure_handle = EnclosureHandle(entry->enclosure);
  page.address = entry->address;
  page.handle = DevHandle(handle);
  page.parent_handle = DevHandle(entry->parent);
  page.change_count = fabric_.expander_change_count(entry->element);
  page.route_indexes = 1024;
  page.phy_count = static_cast<uint8_t>(node->phys.size());
  page.sas_level = node->level;
  return Found(mpi::EncodeExpanderPage0(page));
}

PageResult ConfigPages::Expander1(uint32_t address) const {
  const uint16_t handle = static_cast<uint16_t>(address);
  const uint8_t number = static_cast<uint8_t>(address >> 16);
  const HandleEntry* const entry = topology_.handles().Find(handle);
  const ReportedNode* const node = topology_.Node(handle);
  if (entry == nullptr || node == nullptr || entry->kind != HandleEntry::Kind::kExpander ||
      number >= node->phys.size()) {
    return Invalid();
  }
  const PhyRef ref{node->ref, number};
  const ReportedPhy& phy = node->phys[number];
  mpi::ExpanderPage1 page;
  page.port = PhysicalPort(entry->port);
  page.phy_count = static_cast<uint8_t>(node->phys.size());
  page.phy = page.phy_identifier = PhyId(number);
  page.programmed_rate = ProgrammedRates(ref);
  page.hardware_rate = HardwareRates(ref);
  page.attached_handle = DevHandle(phy.handle);
  page.phy_info = PhyInfo(ref);
  page.attached_device_info = AttachedInfo(phy);
  page.expander_handle = DevHandle(handle);
  page.change_count = fabric_.change_count(ref);
  page.negotiated_rate = static_cast<uint8_t>(phy.rate << 4 | phy.rate);
  page.attached_phy = AttachedPhy(ref, phy);
  return Found(mpi::EncodeExpanderPage1(page));
}

PageResult ConfigPages::Device0(uint32_t address) const {
  uint16_t handle = static_cast<uint16_t>(address);
  if ((address & mpi::page_address::kFormMask) == mpi::page_address::kFormNext) {
    handle = topology_.handles().Next(handle);
  }
  const HandleEntry* const entry = topology_.handles().Find(handle);
  if (entry == nullptr) return Invalid();
  mpi::SasDevicePage0 page;
  page.handle = DevHandle(handle);
  page.address = entry->address;
  page.parent_handle = DevHandle(entry->parent);
  page.phy = PhyId(entry->parent_phy);
  page.port = PhysicalPort(entry->port);
  page.enclosure_handle = EnclosureHandle(entry->enclosure);
  page.device_info = DeviceInfo(*entry);
  if (entry->alive()) page.flags = mpi::device_flags::kPresent | mpi::device_flags::kPersistent;
  page.max_port_connections = PortWidth(*entry, handle);
  if (entry->kind == HandleEntry::Kind::kDevice) {
    const DeviceSpec& device = fabric_.device(entry->element);
    const DeviceModel& model = fabric_.model_of(entry->element);
    if (entry->enclosure != 0) page.slot = device.slot;
    page.access_status = fabric_.device_access_status(entry->element);
    // Firmware has a SAS drive's name from its address frame: there it is the port's address. A
    // boot log of a SAS2X36 shows that for all its SAS drives. A SATA drive's name is its WWN.
    const bool sata = model.protocol == DeviceModel::Protocol::kSata;
    page.device_name = sata ? device.name : entry->address;
    if (model.solid_state && host_.generation != MpiGeneration::k2_0) {
      page.flags |= mpi::device_flags::kFastPathCapable;
    }
    if (device.enclosure != kNoIndex && fabric_.spec().enclosures[device.enclosure].level_valid) {
      const EnclosureSpec& enclosure = fabric_.spec().enclosures[device.enclosure];
      page.flags |= mpi::device_flags::kEnclosureLevelValid;
      page.enclosure_level = enclosure.level;
      page.connector_name = device.connector == kNoConnector
                                ? kBlankConnector
                                : enclosure.connectors[device.connector];
    }
  }
  return Found(mpi::EncodeSasDevicePage0(page));
}

// Expanders: one connection per lane to them; else 1 ("port_type(0x1)" in the boot logs).
uint8_t ConfigPages::PortWidth(const HandleEntry& entry, uint16_t handle) const {
  if (entry.kind != HandleEntry::Kind::kExpander) return 1;
  const ReportedNode* const parent = topology_.Node(entry.parent);
  if (parent == nullptr) return 1;
  return static_cast<uint8_t>(
      std::count_if(parent->phys.begin(), parent->phys.end(),
                    [handle](const ReportedPhy& p) { return p.handle == handle && p.up(); }));
}

// A SATA device behind an expander has the SATA bit alone: the sysfs tree of a 9400-8i8e shows such
// drives with target_port_protocols "sata".
uint32_t ConfigPages::DeviceInfo(const HandleEntry& entry) const {
  switch (entry.kind) {
    case HandleEntry::Kind::kHba:
    case HandleEntry::Kind::kInitiator:
      return kInitiatorInfo;
    case HandleEntry::Kind::kExpander:
      return info::kEdgeExpander | info::kSmpTarget;
    case HandleEntry::Kind::kDevice:
      break;
  }
  const DeviceModel& model = fabric_.model_of(entry.element);
  uint32_t bits = info::kEndDevice;
  bits |= model.protocol == DeviceModel::Protocol::kSata ? info::kSataDevice : info::kSspTarget;
  if (model.type == DeviceModel::Type::kEnclosure) bits |= info::kSep;
  if (entry.parent == kHbaHandle) bits |= info::kDirectAttach;
  return bits;
}

uint32_t ConfigPages::AttachedInfo(const ReportedPhy& phy) const {
  const HandleEntry* const entry = topology_.handles().Find(phy.handle);
  return phy.handle == 0 || entry == nullptr ? 0 : DeviceInfo(*entry);
}

// The phy at the other end while the link is reported. The link may be down already.
PhyId ConfigPages::AttachedPhy(PhyRef ref, const ReportedPhy& phy) const {
  const PhyLink cabled = fabric_.Cabled(ref);
  return PhyId(phy.handle != 0 && cabled.node().valid() ? cabled.peer_phy : 0);
}

uint32_t ConfigPages::PhyInfo(PhyRef phy) const {
  uint32_t bits = mpi::phy_info::kDirect;
  if (fabric_.routing(phy) == PhyRouting::kSubtractive) bits = mpi::phy_info::kSubtractive;
  if (fabric_.routing(phy) == PhyRouting::kTable) bits = mpi::phy_info::kTable;
  if (fabric_.is_virtual(phy)) bits |= mpi::phy_info::kVirtual;
  return bits;
}

uint8_t ConfigPages::ProgrammedRates(PhyRef phy) const {
  return mpi::EncodeLinkRateRange({fabric_.programmed_min(phy), fabric_.programmed_max(phy)});
}

uint8_t ConfigPages::HardwareRates(PhyRef phy) const {
  return mpi::EncodeLinkRateRange({fabric_.hardware_min(phy), fabric_.hardware_max(phy)});
}

}  // namespace sasd::emulator
