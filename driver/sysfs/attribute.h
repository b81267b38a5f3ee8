#ifndef DRIVER_SYSFS_ATTRIBUTE_H_
#define DRIVER_SYSFS_ATTRIBUTE_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace sasd::sysfs {

// The files that this room may open. It opens no other. The kernel answers each from memory,
// without a command to a device or the firmware. These files do issue commands and are never read:
// the phys' *_count files; an enclosure component's status, fault, locate, active and power_status;
// the host's BRM_status; and, under mptsas, enclosure_identifier.
enum class Attribute : uint8_t {
  // scsi_host
  kProcName,
  kHostState,
  kHostSasAddress,
  kBoardName,
  kVersionProduct,
  kVersionFw,
  kModelOfHost,      // smartpqi
  kFirmwareVersion,  // smartpqi
  kIocResetCount,
  kUniqueId,
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

constexpr std::array<const char*, 42> kAttributeNames = {
    "proc_name",
    "state",
    "host_sas_address",
    "board_name",
    "version_product",
    "version_fw",
    "model",
    "firmware_version",
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
