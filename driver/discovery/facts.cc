#include "driver/discovery/facts.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "driver/wire/mpi/constants.h"

namespace sasd::discovery {
namespace {

uint8_t InitiatorProtocols(uint32_t info) {
  return (info & mpi::device_info::kSspInitiator ? Protocols::kSsp : 0) |
         (info & mpi::device_info::kStpInitiator ? Protocols::kStp : 0) |
         (info & mpi::device_info::kSmpInitiator ? Protocols::kSmp : 0) |
         (info & mpi::device_info::kSataHost ? Protocols::kSata : 0);
}

uint8_t TargetProtocols(uint32_t info) {
  return (info & mpi::device_info::kSspTarget ? Protocols::kSsp : 0) |
         (info & mpi::device_info::kStpTarget ? Protocols::kStp : 0) |
         (info & mpi::device_info::kSmpTarget ? Protocols::kSmp : 0) |
         (info & mpi::device_info::kSataDevice ? Protocols::kSata : 0);
}

// Fills in the fields that expander page 1 and SAS phy page 0 share.
template <typename Page>
device::PhyRecord CommonPhyRecord(const Page& page) {
  device::PhyRecord record;
  record.negotiated = LinkRateFromNibble(page.negotiated_rate & 0x0F);
  const mpi::LinkRateRange hardware = mpi::DecodeLinkRateRange(page.hardware_rate);
  const mpi::LinkRateRange programmed = mpi::DecodeLinkRateRange(page.programmed_rate);
  record.hardware_min = hardware.minimum;
  record.hardware_max = hardware.maximum;
  record.programmed_min = programmed.minimum;
  record.programmed_max = programmed.maximum;
  record.is_virtual = (page.phy_info & mpi::phy_info::kVirtual) != 0;
  record.vacant = (page.phy_info & mpi::phy_info::kVacant) != 0;
  if (IsLinkUp(record.negotiated) && page.attached_handle != DevHandle(0)) {
    record.attached_handle = page.attached_handle;
    record.attached_phy = page.attached_phy;
  }
  switch (page.phy_info & mpi::phy_info::kRoutingMask) {
    case mpi::phy_info::kDirect:
      record.routing = static_cast<uint8_t>(RoutingAttribute::kDirect);
      break;
    case mpi::phy_info::kSubtractive:
      record.routing = static_cast<uint8_t>(RoutingAttribute::kSubtractive);
      break;
    case mpi::phy_info::kTable:
      record.routing = static_cast<uint8_t>(RoutingAttribute::kTable);
      break;
    default:
      record.routing = static_cast<uint8_t>(RoutingAttribute::kUnknown);
  }
  return record;
}

DeviceState Published(device::LifeState state) {
  switch (state) {
    case device::LifeState::kDiscovered:
      return DeviceState::kDiscovered;
    case device::LifeState::kAttaching:
      return DeviceState::kAttaching;
    case device::LifeState::kAttached:
      return DeviceState::kAttached;
    case device::LifeState::kBlocked:
      return DeviceState::kBlocked;
    case device::LifeState::kFailed:
      return DeviceState::kFailed;
    case device::LifeState::kRemoving:
    case device::LifeState::kGone:
      break;
  }
  return DeviceState::kRemoving;
}

}  // namespace

bool IsEndDevice(uint32_t info) {
  using namespace mpi::device_info;  // NOLINT
  return (info & kTypeMask) == kEndDevice && (info & (kSspTarget | kStpTarget | kSataDevice)) != 0;
}

bool IsExpander(uint32_t info) {
  const uint32_t type = info & mpi::device_info::kTypeMask;
  return type == mpi::device_info::kEdgeExpander || type == mpi::device_info::kFanoutExpander;
}

std::string AccessFailure(uint8_t status) {
  if (status == mpi::access_status::kNoErrors ||
      status == mpi::access_status::kNeedsInitialization) {
    return "";
  }
  return mpi::AccessStatusText(status);
}

NodeKey KeyOf(HostKey host, const mpi::SasDevicePage0& page) {
  return {host, page.address, page.port};
}

NodeKey KeyOf(HostKey host, const mpi::ExpanderPage0& page) {
  return {host, page.address, page.port};
}

device::DeviceInfo DeviceInfoFrom(HostKey host, const mpi::SasDevicePage0& page) {
  device::DeviceInfo info;
  info.key = KeyOf(host, page);
  info.device_name = page.device_name;
  info.handle = page.handle;
  info.enclosure_handle = page.enclosure_handle;
  info.slot = page.slot;
  info.parent_phy = page.phy;
  info.initiator_protocols = InitiatorProtocols(page.device_info);
  info.target_protocols = TargetProtocols(page.device_info);
  info.access_status = page.access_status;
  info.has_enclosure_level = (page.flags & mpi::device_flags::kEnclosureLevelValid) != 0;
  if (info.has_enclosure_level) {
    info.enclosure_level = page.enclosure_level;
    std::copy_n(page.connector_name.begin(),
                std::min(page.connector_name.size(), info.connector_name.size()),
                info.connector_name.begin());
  }
  return info;
}

device::EnclosureInfo EnclosureInfoFrom(const mpi::EnclosurePage0& page) {
  device::EnclosureInfo info;
  info.key = EnclosureKey(page.logical_id.value());
  info.handle = page.handle;
  info.slot_count = page.slot_count;
  info.start_slot = page.start_slot;
  if (page.flags & mpi::EnclosurePage0::kFlagLevelValid) info.level = page.level;
  info.sep_handle = page.sep_handle;
  return info;
}

device::PhyRecord PhyRecordFrom(const mpi::ExpanderPage1& page) {
  device::PhyRecord record = CommonPhyRecord(page);
  record.attached_is_expander = IsExpander(page.attached_device_info);
  // Also another initiator has a type there, and no handle.
  record.nothing_attached =
      IsLinkUp(record.negotiated) && page.attached_handle == DevHandle(0) &&
      (page.attached_device_info & mpi::device_info::kTypeMask) == mpi::device_info::kNoDevice;
  return record;
}

device::PhyRecord PhyRecordFrom(const mpi::SasPhyPage0& page) {
  device::PhyRecord record = CommonPhyRecord(page);
  record.nothing_attached = IsLinkUp(record.negotiated) && page.attached_handle == DevHandle(0);
  return record;
}

PhyFacts PhyFactsFrom(const NodeKey& owner, PhyId phy, const device::PhyRecord& record) {
  PhyFacts facts;
  facts.key = {owner, phy};
  facts.negotiated = record.negotiated;
  facts.hardware_min = record.hardware_min;
  facts.hardware_max = record.hardware_max;
  facts.programmed_min = record.programmed_min;
  facts.programmed_max = record.programmed_max;
  facts.attached = record.attached;
  facts.attached_phy = record.attached_phy;
  facts.routing = static_cast<RoutingAttribute>(record.routing);
  facts.is_virtual = record.is_virtual;
  facts.vacant = record.vacant;
  facts.nothing_attached = record.nothing_attached;
  return facts;
}

ExpanderFacts ExpanderFactsFrom(const device::ExpanderInfo& info, size_t phy_count) {
  ExpanderFacts facts;
  facts.key = info.key;
  facts.parent = info.parent;
  facts.handle = info.handle;
  facts.enclosure = info.enclosure;
  facts.phy_count = static_cast<uint8_t>(phy_count);
  facts.level = info.level;
  facts.vendor = info.vendor;
  facts.product = info.product;
  facts.revision = info.revision;
  return facts;
}

EndDeviceFacts EndDeviceFactsFrom(const device::DeviceView& view) {
  const device::DeviceInfo& info = view.info;
  EndDeviceFacts facts;
  facts.key = info.key;
  facts.parent = info.parent;
  facts.parent_phy = info.parent_phy;
  facts.handle = info.handle;
  facts.state = Published(view.state);
  facts.protocols = {info.initiator_protocols, info.target_protocols};
  facts.enclosure = info.enclosure;
  if (info.enclosure_handle != EnclosureHandle(0)) facts.slot = info.slot;
  if (info.has_enclosure_level) facts.enclosure_level = info.enclosure_level;
  const auto end = std::find(info.connector_name.begin(), info.connector_name.end(), '\0');
  facts.connector_name.assign(info.connector_name.begin(), end);
  facts.device_name = info.device_name;
  facts.access_status = info.access_status;
  facts.failure = view.failure;
  return facts;
}

EnclosureFacts EnclosureFactsFrom(HostKey host, const device::EnclosureInfo& info) {
  EnclosureFacts facts;
  facts.key = info.key;
  facts.host = host;
  facts.handle = info.handle;
  facts.slot_count = info.slot_count;
  facts.start_slot = info.start_slot;
  facts.is_host = IsHost(info.key, host);
  facts.level = info.level;
  facts.sep_handle = info.sep_handle;
  return facts;
}

std::string Describe(const device::DeviceInfo& info) {
  const std::string name = "end device " + ToHex(info.key.address);
  if (info.enclosure_handle == EnclosureHandle(0)) return name;
  return absl::StrCat(name, ", slot ", info.slot);
}

std::string Describe(const NodeKey& node) {
  return node.is_host() ? "host" : "expander " + ToHex(node.address);
}

std::string Describe(const NodeKey& node, PhyId phy) {
  return absl::StrFormat("%s phy %d", Describe(node), phy.value());
}

}  // namespace sasd::discovery
