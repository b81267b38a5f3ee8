#include "daemon/registry/merge.h"

namespace sasd::registry {
namespace {

// `first` unless it says nothing.
template <typename T>
const T& Prefer(const T& first, const T& second) {
  return first == T() ? second : first;
}

// How far from settled.
int Unsettledness(DiscoveryState state) {
  switch (state) {
    case DiscoveryState::kSettled:
      return 0;
    case DiscoveryState::kIdle:
      return 1;
    case DiscoveryState::kInProgress:
      return 2;
    case DiscoveryState::kFailed:
      return 3;
    case DiscoveryState::kRecovering:
      return 4;
  }
  return 1;
}

DeviceState MergeState(DeviceState firmware, DeviceState sysfs) {
  if (firmware != DeviceState::kDiscovered && firmware != DeviceState::kAttaching) return firmware;
  return sysfs == DeviceState::kDiscovered ? DeviceState::kAttaching : sysfs;
}

}  // namespace

HostFacts Merge(const HostFacts& firmware, const HostFacts& sysfs) {
  HostFacts merged;
  merged.address = Prefer(firmware.address, sysfs.address);
  merged.board_name = Prefer(firmware.board_name, sysfs.board_name);
  merged.chip_name = Prefer(firmware.chip_name, sysfs.chip_name);
  merged.firmware_version = Prefer(firmware.firmware_version, sysfs.firmware_version);
  merged.driver_name = Prefer(sysfs.driver_name, firmware.driver_name);
  merged.pci_address = Prefer(sysfs.pci_address, firmware.pci_address);
  merged.os_name = Prefer(sysfs.os_name, firmware.os_name);
  merged.phy_count = Prefer(firmware.phy_count, sysfs.phy_count);
  return merged;
}

PhyRecord Merge(const PhyRecord& firmware, const PhyRecord& sysfs) {
  PhyRecord merged = firmware;
  // A phy that the firmware sees down is down: its silence about what is attached is a word. So is
  // "unknown" for a rate, once it knows the phy: that is how firmware says that nothing is there,
  // where the kernel leaves the rate of what was.
  const bool known =
      firmware.negotiated != LinkRate::kUnknown || firmware.hardware_max != LinkRate::kUnknown;
  if (!known) {
    merged.negotiated = sysfs.negotiated;
    merged.attached = Prefer(firmware.attached, sysfs.attached);
    merged.attached_phy = Prefer(firmware.attached_phy, sysfs.attached_phy);
  }
  merged.hardware_min = Prefer(firmware.hardware_min, sysfs.hardware_min);
  merged.hardware_max = Prefer(firmware.hardware_max, sysfs.hardware_max);
  merged.programmed_min = Prefer(firmware.programmed_min, sysfs.programmed_min);
  merged.programmed_max = Prefer(firmware.programmed_max, sysfs.programmed_max);
  merged.routing = Prefer(firmware.routing, sysfs.routing);
  merged.os_name = Prefer(sysfs.os_name, firmware.os_name);
  return merged;
}

ExpanderRecord Merge(const ExpanderRecord& firmware, const ExpanderRecord& sysfs) {
  ExpanderRecord merged = firmware;
  merged.parent = Prefer(firmware.parent, sysfs.parent);
  merged.enclosure = Prefer(firmware.enclosure, sysfs.enclosure);
  merged.vendor = Prefer(firmware.vendor, sysfs.vendor);
  merged.product = Prefer(firmware.product, sysfs.product);
  merged.revision = Prefer(firmware.revision, sysfs.revision);
  merged.os_name = Prefer(sysfs.os_name, firmware.os_name);
  merged.handle = Prefer(firmware.handle, sysfs.handle);
  merged.phy_count = Prefer(firmware.phy_count, sysfs.phy_count);
  merged.level = Prefer(firmware.level, sysfs.level);
  return merged;
}

EndDeviceRecord Merge(const EndDeviceRecord& firmware, const EndDeviceRecord& sysfs) {
  EndDeviceRecord merged = firmware;
  merged.parent = Prefer(firmware.parent, sysfs.parent);
  // Enclosure and slot belong together.
  if (!(firmware.enclosure != EnclosureKey(0) && firmware.slot.has_value())) {
    merged.enclosure = Prefer(sysfs.enclosure, firmware.enclosure);
    merged.slot = Prefer(sysfs.slot, firmware.slot);
  }
  merged.device_name = Prefer(firmware.device_name, sysfs.device_name);
  merged.connector_name = Prefer(firmware.connector_name, sysfs.connector_name);
  merged.ses_slot = Prefer(firmware.ses_slot, sysfs.ses_slot);
  merged.failure = Prefer(firmware.failure, sysfs.failure);
  merged.os_name = Prefer(sysfs.os_name, firmware.os_name);
  merged.handle = Prefer(firmware.handle, sysfs.handle);
  merged.parent_phy = Prefer(firmware.parent_phy, sysfs.parent_phy);
  merged.enclosure_level = Prefer(firmware.enclosure_level, sysfs.enclosure_level);
  merged.protocols = Prefer(firmware.protocols, sysfs.protocols);
  merged.state = MergeState(firmware.state, sysfs.state);
  return merged;
}

UnitRecord Merge(const UnitRecord& firmware, const UnitRecord& sysfs) {
  UnitRecord merged = firmware;
  merged.size_bytes = Prefer(firmware.size_bytes, sysfs.size_bytes);
  merged.wwid = Prefer(firmware.wwid, sysfs.wwid);
  merged.vendor = Prefer(firmware.vendor, sysfs.vendor);
  merged.model = Prefer(firmware.model, sysfs.model);
  merged.revision = Prefer(firmware.revision, sysfs.revision);
  merged.serial = Prefer(firmware.serial, sysfs.serial);
  merged.scsi_address = Prefer(sysfs.scsi_address, firmware.scsi_address);
  merged.block_device = Prefer(sysfs.block_device, firmware.block_device);
  merged.generic_device = Prefer(sysfs.generic_device, firmware.generic_device);
  merged.holders = Prefer(sysfs.holders, firmware.holders);
  merged.peripheral_type = Prefer(firmware.peripheral_type, sysfs.peripheral_type);
  return merged;
}

SlotRecord Merge(const SlotRecord& firmware, const SlotRecord& sysfs) {
  return {Prefer(firmware.label, sysfs.label), Prefer(sysfs.os_name, firmware.os_name)};
}

DiscoveryFacts Merge(const DiscoveryFacts& firmware, const DiscoveryFacts& sysfs) {
  DiscoveryFacts merged =
      Unsettledness(sysfs.state) > Unsettledness(firmware.state) ? sysfs : firmware;
  merged.reset_count = Prefer(firmware.reset_count, sysfs.reset_count);
  return merged;
}

PhyRecord Compact(const PhyFacts& facts) {
  PhyRecord record;
  record.key = facts.key;
  record.attached = facts.attached;
  record.os_name = facts.os_name;
  record.negotiated = facts.negotiated;
  record.hardware_min = facts.hardware_min;
  record.hardware_max = facts.hardware_max;
  record.programmed_min = facts.programmed_min;
  record.programmed_max = facts.programmed_max;
  record.attached_phy = facts.attached_phy;
  record.routing = facts.routing;
  record.is_virtual = facts.is_virtual;
  record.vacant = facts.vacant;
  return record;
}

ExpanderRecord Compact(const ExpanderFacts& facts, TextPool& pool) {
  ExpanderRecord record;
  record.key = facts.key;
  record.parent = facts.parent;
  record.enclosure = facts.enclosure;
  record.vendor = pool.Intern(facts.vendor);
  record.product = pool.Intern(facts.product);
  record.revision = pool.Intern(facts.revision);
  record.os_name = facts.os_name;
  record.handle = facts.handle;
  record.phy_count = facts.phy_count;
  record.level = facts.level;
  return record;
}

EndDeviceRecord Compact(const EndDeviceFacts& facts, TextPool& pool) {
  EndDeviceRecord record;
  record.key = facts.key;
  record.parent = facts.parent;
  record.enclosure = facts.enclosure;
  record.device_name = facts.device_name;
  record.connector_name = pool.Intern(facts.connector_name);
  record.failure = pool.Intern(facts.failure);
  record.os_name = facts.os_name;
  record.slot = facts.slot;
  record.ses_slot = facts.ses_slot;
  record.handle = facts.handle;
  record.parent_phy = facts.parent_phy;
  record.enclosure_level = facts.enclosure_level;
  record.protocols = facts.protocols;
  record.state = facts.state;
  record.access_status = facts.access_status;
  return record;
}

UnitRecord Compact(const LogicalUnitFacts& facts, TextPool& pool) {
  UnitRecord record;
  record.lun = facts.lun;
  record.size_bytes = facts.size_bytes;
  record.wwid = facts.wwid;
  record.vendor = pool.Intern(facts.vendor);
  record.model = pool.Intern(facts.model);
  record.revision = pool.Intern(facts.revision);
  record.serial = facts.serial;
  record.scsi_address = facts.scsi_address;
  record.block_device = facts.block_device;
  record.generic_device = facts.generic_device;
  for (const Holder& holder : facts.holders) {
    record.holders.push_back({pool.Intern(holder.name), holder.block_device, holder.kind});
  }
  record.peripheral_type = facts.peripheral_type;
  return record;
}

SlotRecord Compact(const SlotFacts& facts, TextPool& pool) {
  return {pool.Intern(facts.label), pool.Intern(facts.os_name)};
}

}  // namespace sasd::registry
