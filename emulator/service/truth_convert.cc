#include "emulator/service/truth_convert.h"

#include <string>

#include "driver/base/link_rate.h"
#include "driver/base/sas_address.h"

namespace sasd::emulator {
namespace {

std::string Address(SasAddress address) {
  return address.value() == 0 ? std::string() : ToHex(address);
}

// The numbers of both enumerations are SPL's.
sas::v1::LinkRate Rate(LinkRate rate) {
  return IsLinkUp(rate) || rate == LinkRate::kDisabled ? static_cast<sas::v1::LinkRate>(rate)
                                                       : sas::v1::LINK_RATE_UNSPECIFIED;
}

void Fill(const emulator::TruthPhy& phy, sas::emulator::v1::PhyTruth* out) {
  out->set_phy(phy.phy.value());
  out->set_link_rate(Rate(phy.rate));
  out->set_virtual_(phy.is_virtual);
  out->set_attached_sas_address(Address(phy.attached));
  if (phy.attached_phy.has_value()) out->set_attached_phy(phy.attached_phy->value());
}

void Fill(const emulator::TruthExpander& expander, sas::emulator::v1::ExpanderTruth* out) {
  out->set_id(expander.id);
  out->set_sas_address(Address(expander.address));
  out->set_parent_sas_address(Address(expander.parent));
  for (PhyId phy : expander.parent_phys) out->add_parent_phys(phy.value());
  out->set_physical_port(expander.port.value());
  out->set_handle(expander.handle.value());
  out->set_level(expander.level);
  out->set_enclosure_logical_id(Address(expander.enclosure));
  out->set_vendor(expander.vendor);
  out->set_product(expander.product);
  out->set_revision(expander.revision);
  for (const emulator::TruthPhy& phy : expander.phys) Fill(phy, out->add_phys());
}

void Fill(const emulator::TruthDevice& device, sas::emulator::v1::DeviceTruth* out) {
  out->set_id(device.id);
  out->set_sas_address(Address(device.address));
  out->set_parent_sas_address(Address(device.parent));
  out->set_parent_phy(device.parent_phy.value());
  out->set_physical_port(device.port.value());
  out->set_handle(device.handle.value());
  out->set_link_rate(Rate(device.rate));
  out->set_sata(device.sata);
  out->set_ses(device.is_ses);
  out->set_enclosure_logical_id(Address(device.enclosure));
  if (device.enclosure.value() != 0) out->set_slot(device.slot);
  if (device.enclosure_level.has_value()) out->set_enclosure_level(*device.enclosure_level);
  out->set_connector_name(device.connector_name);
  out->set_world_wide_name(Address(device.name));
  out->set_vendor(device.vendor);
  out->set_product(device.model);
  out->set_serial(device.serial);
  out->set_revision(device.revision);
  out->set_size_bytes(device.size_bytes);
  out->set_access_status(device.access_status);
  for (const emulator::TruthUnit& unit : device.units) {
    sas::emulator::v1::UnitTruth* const added = out->add_units();
    added->set_lun(unit.lun);
    added->set_wwid(unit.wwid);
  }
}

void Fill(const emulator::TruthEnclosure& enclosure, sas::emulator::v1::EnclosureTruth* out) {
  out->set_id(enclosure.id);
  out->set_logical_id(Address(enclosure.logical_id));
  out->set_handle(enclosure.handle.value());
  out->set_slot_count(enclosure.slot_count);
  out->set_start_slot(enclosure.start_slot);
}

}  // namespace

sas::emulator::v1::HostTruth ToProto(const emulator::HostTruth& truth) {
  sas::emulator::v1::HostTruth out;
  out.set_id(truth.id);
  out.set_sas_address(Address(truth.address));
  out.set_handle(truth.handle.value());
  for (const emulator::TruthPhy& phy : truth.phys) Fill(phy, out.add_phys());
  for (const emulator::TruthExpander& e : truth.expanders) Fill(e, out.add_expanders());
  for (const emulator::TruthDevice& device : truth.devices) Fill(device, out.add_devices());
  for (const emulator::TruthEnclosure& e : truth.enclosures) Fill(e, out.add_enclosures());
  return out;
}

}  // namespace sasd::emulator
