#include "driver/observation/observation.h"

#include <tuple>

namespace sasd {

bool HostFacts::operator==(const HostFacts& o) const {
  return std::tie(key, board_name, chip_name, firmware_version, driver_name, pci_address, os_name,
                  phy_count) == std::tie(o.key, o.board_name, o.chip_name, o.firmware_version,
                                         o.driver_name, o.pci_address, o.os_name, o.phy_count);
}

bool PhyFacts::operator==(const PhyFacts& o) const {
  return std::tie(key, negotiated, hardware_min, hardware_max, programmed_min, programmed_max,
                  attached, attached_phy, routing, is_virtual, vacant, nothing_attached, os_name) ==
         std::tie(o.key, o.negotiated, o.hardware_min, o.hardware_max, o.programmed_min,
                  o.programmed_max, o.attached, o.attached_phy, o.routing, o.is_virtual, o.vacant,
                  o.nothing_attached, o.os_name);
}

bool PortFacts::operator==(const PortFacts& o) const {
  return std::tie(key, os_name, width) == std::tie(o.key, o.os_name, o.width);
}

bool ExpanderFacts::operator==(const ExpanderFacts& o) const {
  return std::tie(key, parent, handle, enclosure, phy_count, level, vendor, product, revision,
                  os_name) == std::tie(o.key, o.parent, o.handle, o.enclosure, o.phy_count, o.level,
                                       o.vendor, o.product, o.revision, o.os_name);
}

bool EndDeviceFacts::operator==(const EndDeviceFacts& o) const {
  return std::tie(key, parent, parent_phy, handle, state, protocols, enclosure, slot, ses_slot,
                  enclosure_level, connector_name, device_name, access_status, failure, os_name) ==
         std::tie(o.key, o.parent, o.parent_phy, o.handle, o.state, o.protocols, o.enclosure,
                  o.slot, o.ses_slot, o.enclosure_level, o.connector_name, o.device_name,
                  o.access_status, o.failure, o.os_name);
}

bool Holder::operator==(const Holder& o) const {
  return std::tie(kind, name, block_device) == std::tie(o.kind, o.name, o.block_device);
}

bool LogicalUnitFacts::operator==(const LogicalUnitFacts& o) const {
  return std::tie(device, lun, peripheral_type, wwid, rejected_wwid, vendor, model, revision,
                  serial, size_bytes, scsi_address, block_device, generic_device,
                  holders) == std::tie(o.device, o.lun, o.peripheral_type, o.wwid, o.rejected_wwid,
                                       o.vendor, o.model, o.revision, o.serial, o.size_bytes,
                                       o.scsi_address, o.block_device, o.generic_device, o.holders);
}

bool EnclosureFacts::operator==(const EnclosureFacts& o) const {
  return std::tie(key, host, handle, slot_count, start_slot, lists_slots, is_host, level,
                  sep_handle, os_name, place) ==
         std::tie(o.key, o.host, o.handle, o.slot_count, o.start_slot, o.lists_slots, o.is_host,
                  o.level, o.sep_handle, o.os_name, o.place);
}

bool SlotFacts::operator==(const SlotFacts& o) const {
  return std::tie(key, label, os_name, place) == std::tie(o.key, o.label, o.os_name, o.place);
}

bool DiscoveryFacts::operator==(const DiscoveryFacts& o) const {
  return std::tie(host, state, status, status_text, reset_count) ==
         std::tie(o.host, o.state, o.status, o.status_text, o.reset_count);
}

bool Notice::operator==(const Notice& o) const {
  return std::tie(severity, subject, text) == std::tie(o.severity, o.subject, o.text);
}

}  // namespace sasd
