#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "driver/wire/mpi/pages.h"

namespace sasd::mpi {
namespace {

std::string Rate(uint8_t byte) { return std::string(ToString(LinkRateFromNibble(byte))); }

// "1.5 Gbps to 12 Gbps"
std::string Rates(uint8_t byte) {
  const LinkRateRange range = DecodeLinkRateRange(byte);
  return absl::StrCat(ToString(range.minimum), " to ", ToString(range.maximum));
}

}  // namespace

std::string ToString(const ManufacturingPage0& page) {
  return absl::StrFormat("manufacturing chip \"%s\" revision \"%s\" board \"%s\" tracer \"%s\"",
                         page.chip_name, page.chip_revision, page.board_name,
                         page.board_tracer_number);
}

std::string ToString(const SasIoUnitPage0& page) {
  std::string text = absl::StrFormat("SAS IO unit, %u phys", page.phys.size());
  for (size_t i = 0; i < page.phys.size(); ++i) {
    const SasIoUnitPage0::Phy& phy = page.phys[i];
    absl::StrAppendFormat(&text, ", phy %u port %u attached 0x%04x %s", i, phy.port.value(),
                          phy.attached_handle.value(), Rate(phy.negotiated_rate));
  }
  return text;
}

std::string ToString(const SasIoUnitPage1& page) {
  return absl::StrFormat(
      "SAS IO unit settings, %u phys, report missing delay %u s, IO missing %u s", page.phys.size(),
      MissingDelaySeconds(page.report_missing_delay), page.io_missing_delay);
}

std::string ToString(const ExpanderPage0& page) {
  return absl::StrFormat(
      "expander %s handle 0x%04x parent 0x%04x phys %u level %u enclosure 0x%04x",
      ToHex(page.address), page.handle.value(), page.parent_handle.value(), page.phy_count,
      page.sas_level, page.enclosure_handle.value());
}

std::string ToString(const ExpanderPage1& page) {
  return absl::StrFormat(
      "expander 0x%04x phy %u attached 0x%04x (%s) %s, programmed %s, hardware %s, %s",
      page.expander_handle.value(), page.phy.value(), page.attached_handle.value(),
      DeviceInfoText(page.attached_device_info), Rate(page.negotiated_rate),
      Rates(page.programmed_rate), Rates(page.hardware_rate), PhyInfoText(page.phy_info));
}

std::string ToString(const SasDevicePage0& page) {
  return absl::StrFormat(
      "device %s handle 0x%04x parent 0x%04x phy %u enclosure 0x%04x slot %u (%s) flags 0x%04x, %s",
      ToHex(page.address), page.handle.value(), page.parent_handle.value(), page.phy.value(),
      page.enclosure_handle.value(), page.slot, DeviceInfoText(page.device_info), page.flags,
      AccessStatusText(page.access_status));
}

std::string ToString(const SasPhyPage0& page) {
  return absl::StrFormat("phy of 0x%04x attached 0x%04x %s, programmed %s, hardware %s, %s",
                         page.owner_handle.value(), page.attached_handle.value(),
                         Rate(page.negotiated_rate), Rates(page.programmed_rate),
                         Rates(page.hardware_rate), PhyInfoText(page.phy_info));
}

std::string ToString(const SasPhyPage1& page) {
  return absl::StrFormat("phy errors: invalid dwords %u, disparity %u, loss of sync %u, resets %u",
                         page.invalid_dword_count, page.running_disparity_error_count,
                         page.loss_of_dword_sync_count, page.phy_reset_problem_count);
}

std::string ToString(const EnclosurePage0& page) {
  return absl::StrFormat("enclosure %s handle 0x%04x slots %u from %u flags 0x%04x SEP 0x%04x",
                         ToHex(page.logical_id), page.handle.value(), page.slot_count,
                         page.start_slot, page.flags, page.sep_handle.value());
}

std::string ToString(const RaidVolumePage0& page) {
  return absl::StrFormat("volume 0x%04x %s, %u disks", page.handle.value(),
                         VolumeStateText(page.state), page.disk_count);
}

std::string ToString(const RaidVolumePage1& page) {
  return absl::StrFormat("volume 0x%04x WWID %s", page.handle.value(), ToHex(page.wwid));
}

std::string ToString(const PhysicalDiskPage0& page) {
  return absl::StrFormat("physical disk %u handle 0x%04x %s", page.number, page.handle.value(),
                         PhysicalDiskStateText(page.state));
}

}  // namespace sasd::mpi
