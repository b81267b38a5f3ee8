#ifndef DRIVER_SYSFS_ATTRIBUTE_H_
#define DRIVER_SYSFS_ATTRIBUTE_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace sasd::sysfs {

// The files that this room may open. It opens no other. The kernel answers each from memory,
// without a command to a device or the firmware. These files do issue commands and are never read:
// the phys' *_count files; an enclosure component's status, fault, locate, active and power_status;
// the host's BRM_status; raid_class' level and state; mpi3mr's adp_state, which reads a register;
// pm80xx' logs and counters; and, under mptsas, enclosure_identifier. isci, hisi_sas and mvsas show
// no firmware version, aic94xx shows one only at its PCI function.
enum class Attribute : uint8_t {
  // scsi_host
  kProcName,
  kHostState,
  kHostSasAddress,
  kBoardName,
  kVersionProduct,
  kVersionFw,    // mpt3sas; mpi3mr: version_fw_show(), from its IOC facts
  kModelOfHost,  // smartpqi: pqi_model_show(), aacraid: aac_show_model(); from the driver's data
  kFirmwareVersion,   // smartpqi: pqi_firmware_version_show(), from the driver's data
  kFirmwareRevision,  // hpsa: host_show_firmware_revision(), from the INQUIRY data that it keeps
  kFwVersion,         // pm80xx: pm8001_ctl_fw_version_show(), from its copy of the MPI table
  kHbaKernelVersion,  // aacraid: aac_show_kernel_version(), from its adapter information
  kIocResetCount,
  kUniqueId,  // of a SCSI device: hpsa's unique_id_show(), smartpqi's pqi_unique_id_show(), both
              // from
              // the driver's list of devices
  // sas_phy
  kPhyIdentifier,
  kNegotiatedLinkRate,
  kMinimumLinkRate,
  kMaximumLinkRate,
  kMinimumLinkRateHw,
  kMaximumLinkRateHw,
  kSasAddress,  // also of sas_device and of a SCSI device
  // sas_port
  kNumPhys,
  // sas_device
  kInitiatorPortProtocols,
  kTargetPortProtocols,
  kEnclosureIdentifier,
  kBayIdentifier,
  // sas_expander
  kVendorId,
  kProductId,
  kProductRev,
  // SCSI device
  kType,  // also of an enclosure component
  kVendor,
  kModel,
  kRev,
  kState,
  kWwid,
  kVpdPage80,
  kVpdPage83,
  kSasDeviceHandle,  // mpt3sas
  kDeviceHandle,     // mpi3mr
  kPathInfo,         // hpsa: path_info_show(), smartpqi: pqi_path_info_show(); the lists of devices
  kRaidLevel,        // hpsa: raid_level_show(), smartpqi: pqi_raid_level_show(), aacraid:
                     // aac_show_raid_level(); the lists of devices
  kInquiry,          // scsi_sysfs.c: show_inquiry(), the data of the scan
  // block
  kSize,
  kDev,
  // enclosure
  kEnclosureId,
  kComponents,
  kSlot,
  // device-mapper
  kDmName,
  kDmUuid,
};

constexpr std::array<const char*, 48> kAttributeNames = {
    "proc_name",
    "state",
    "host_sas_address",
    "board_name",
    "version_product",
    "version_fw",
    "model",
    "firmware_version",
    "firmware_revision",
    "fw_version",
    "hba_kernel_version",
    "ioc_reset_count",
    "unique_id",
    "phy_identifier",
    "negotiated_linkrate",
    "minimum_linkrate",
    "maximum_linkrate",
    "minimum_linkrate_hw",
    "maximum_linkrate_hw",
    "sas_address",
    "num_phys",
    "initiator_port_protocols",
    "target_port_protocols",
    "enclosure_identifier",
    "bay_identifier",
    "vendor_id",
    "product_id",
    "product_rev",
    "type",
    "vendor",
    "model",
    "rev",
    "state",
    "wwid",
    "vpd_pg80",
    "vpd_pg83",
    "sas_device_handle",
    "device_handle",
    "path_info",
    "raid_level",
    "inquiry",
    "size",
    "dev",
    "id",
    "components",
    "slot",
    "name",
    "uuid",
};
static_assert(kAttributeNames.size() == static_cast<size_t>(Attribute::kDmUuid) + 1,
              "a name for each attribute");

// The name of the attribute's file.
constexpr const char* FileName(Attribute attribute) {
  return kAttributeNames[static_cast<size_t>(attribute)];
}

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_ATTRIBUTE_H_
