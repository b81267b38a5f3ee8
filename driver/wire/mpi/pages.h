#ifndef DRIVER_WIRE_MPI_PAGES_H_
#define DRIVER_WIRE_MPI_PAGES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "driver/base/endian.h"
#include "driver/base/link_rate.h"
#include "driver/base/sas_address.h"
#include "driver/base/strong_id.h"
#include "driver/wire/mpi/constants.h"
#include "driver/wire/mpi/messages.h"

// Configuration pages (mpi2_cnfg.h). Encoding includes the page's header. Decoding checks the size,
// ignores bytes beyond the known fields, and reads fields that an older version of the page lacks
// as 0. kHeader identifies each page, and requests start from it. Its `dwords` is 0 if the length
// depends on the content. Pure functions, thread-safe. Errors: kInvalidArgument with the sizes.
namespace sasd::mpi {

// Page addresses, with their form in the top nibble (mpi2_cnfg.h, MPI2_SAS_DEVICE_PGAD_FORM_* and
// so on).
// "Next" starts at 0xFFFF and ends with IocStatus::kConfigInvalidPage.
namespace page_address {
constexpr uint16_t kStart = 0xFFFF;
constexpr uint32_t kFormMask = 0xF0000000;
constexpr uint32_t kFormNext = 0x00000000;         // devices, expanders, enclosures, volumes
constexpr uint32_t kFormExpanderPhy = 0x10000000;  // expander page 1
constexpr uint32_t kFormExpander = 0x20000000;     // expanders by handle
constexpr uint32_t kFormDevice = 0x20000000;       // devices by handle
constexpr uint32_t kFormEnclosure = 0x10000000;    // enclosures and volumes by handle
constexpr uint32_t Next(uint16_t after) { return kFormNext | after; }
constexpr uint32_t Device(DevHandle handle) { return kFormDevice | handle.value(); }
constexpr uint32_t Expander(DevHandle handle) { return kFormExpander | handle.value(); }
constexpr uint32_t ExpanderPhy(DevHandle handle, PhyId phy) {
  return kFormExpanderPhy | static_cast<uint32_t>(phy.value()) << 16 | handle.value();
}
constexpr uint32_t Enclosure(EnclosureHandle handle) { return kFormEnclosure | handle.value(); }
constexpr uint32_t Volume(DevHandle handle) { return 0x10000000 | handle.value(); }
constexpr uint32_t Phy(PhyId phy) { return phy.value(); }
constexpr uint32_t PhyIndex(uint16_t index) { return 0x10000000 | index; }
constexpr uint32_t PhysicalDiskNext(uint8_t after) { return after; }
constexpr uint32_t PhysicalDiskNumber(uint8_t number) { return 0x10000000 | number; }
constexpr uint32_t PhysicalDisk(DevHandle handle) { return 0x20000000 | handle.value(); }
}  // namespace page_address

// A byte of two link rates: maximum (high nibble) and minimum (low nibble).
struct LinkRateRange {
  LinkRate minimum = LinkRate::kUnknown;
  LinkRate maximum = LinkRate::kUnknown;
};
LinkRateRange DecodeLinkRateRange(uint8_t byte);
uint8_t EncodeLinkRateRange(LinkRateRange range);

// Manufacturing page 0 (MPI2_CONFIG_PAGE_MAN_0). Strings are of at most 16 bytes (revision: 8).
struct ManufacturingPage0 {
  static constexpr PageHeader kHeader{0x00, 0, PageType::kManufacturing, ExtPageType::kNone, 19};
  std::string chip_name, chip_revision, board_name, board_assembly, board_tracer_number;
};
absl::StatusOr<ManufacturingPage0> DecodeManufacturingPage0(ByteSpan page);
Bytes EncodeManufacturingPage0(const ManufacturingPage0& page);
std::string ToString(const ManufacturingPage0& page);

// SAS IO unit page 0 (MPI2_CONFIG_PAGE_SASIOUNIT_0).
struct SasIoUnitPage0 {
  static constexpr PageHeader kHeader{0x05, 0, PageType::kExtended, ExtPageType::kSasIoUnit, 0};
  static constexpr uint8_t kPortFlagDiscoveryInProgress = 0x08, kPhyFlagDisabled = 0x08;
  struct Phy {
    PhysicalPort port;
    uint8_t port_flags = 0;
    uint8_t phy_flags = 0;
    uint8_t negotiated_rate = 0;  // low nibble physical, high nibble logical
    uint32_t controller_phy_device_info = 0;
    DevHandle attached_handle;
    DevHandle controller_handle;
    uint32_t discovery_status = 0;
  };
  std::vector<Phy> phys;
};
absl::StatusOr<SasIoUnitPage0> DecodeSasIoUnitPage0(ByteSpan page);
Bytes EncodeSasIoUnitPage0(const SasIoUnitPage0& page);
std::string ToString(const SasIoUnitPage0& page);

// SAS IO unit page 1 (MPI2_CONFIG_PAGE_SASIOUNIT_1).
struct SasIoUnitPage1 {
  static constexpr PageHeader kHeader{0x09, 1, PageType::kExtended, ExtPageType::kSasIoUnit, 0};
  struct Phy {
    PhysicalPort port;
    uint8_t port_flags = 0;
    uint8_t phy_flags = 0;
    uint8_t max_min_rate = 0;
    uint32_t controller_phy_device_info = 0;
    uint16_t max_target_port_connect_time = 0;
  };
  uint16_t control_flags = 0;
  uint16_t sas_narrow_max_queue_depth = 0;
  uint16_t additional_control_flags = 0;
  uint16_t sas_wide_max_queue_depth = 0;
  uint8_t sata_max_queue_depth = 0;
  uint8_t report_missing_delay = 0;  // see MissingDelaySeconds
  uint8_t io_missing_delay = 0;      // seconds
  std::vector<Phy> phys;
};
absl::StatusOr<SasIoUnitPage1> DecodeSasIoUnitPage1(ByteSpan page);
Bytes EncodeSasIoUnitPage1(const SasIoUnitPage1& page);
std::string ToString(const SasIoUnitPage1& page);

// SAS expander page 0 (MPI2_CONFIG_PAGE_EXPANDER_0).
struct ExpanderPage0 {
  static constexpr PageHeader kHeader{0x06, 0, PageType::kExtended, ExtPageType::kSasExpander, 15};
  PhysicalPort port;
  EnclosureHandle enclosure_handle;
  SasAddress address;
  uint32_t discovery_status = 0;
  DevHandle handle;
  DevHandle parent_handle;
  uint16_t change_count = 0;
  uint16_t route_indexes = 0;
  uint8_t phy_count = 0;
  uint8_t sas_level = 0;
  uint16_t flags = 0;
};
absl::StatusOr<ExpanderPage0> DecodeExpanderPage0(ByteSpan page);
Bytes EncodeExpanderPage0(const ExpanderPage0& page);
std::string ToString(const ExpanderPage0& page);

// SAS expander page 1, one phy (MPI2_CONFIG_PAGE_EXPANDER_1).
struct ExpanderPage1 {
  static constexpr PageHeader kHeader{0x02, 1, PageType::kExtended, ExtPageType::kSasExpander, 11};
  PhysicalPort port;
  uint8_t phy_count = 0;
  PhyId phy;
  uint8_t programmed_rate = 0;  // LinkRateRange
  uint8_t hardware_rate = 0;    // LinkRateRange
  DevHandle attached_handle;
  uint32_t phy_info = 0;              // phy_info::*
  uint32_t attached_device_info = 0;  // device_info::*
  DevHandle expander_handle;
  uint8_t change_count = 0;
  uint8_t negotiated_rate = 0;  // low nibble physical, high nibble logical
  PhyId phy_identifier;
  PhyId attached_phy;
};
absl::StatusOr<ExpanderPage1> DecodeExpanderPage1(ByteSpan page);
Bytes EncodeExpanderPage1(const ExpanderPage1& page);
std::string ToString(const ExpanderPage1& page);

// SAS device page 0 (MPI2_CONFIG_PAGE_SAS_DEV_0).
struct SasDevicePage0 {
  static constexpr PageHeader kHeader{0x09, 0, PageType::kExtended, ExtPageType::kSasDevice, 14};
  uint16_t slot = 0;
  EnclosureHandle enclosure_handle;
  SasAddress address;
  DevHandle parent_handle;
  PhyId phy;
  uint8_t access_status = 0;
  DevHandle handle;
  PhyId attached_phy;
  uint32_t device_info = 0;
  uint16_t flags = 0;
  PhysicalPort port;
  uint8_t max_port_connections = 0;
  SasAddress device_name;
  uint8_t enclosure_level = 0;  // valid if flags has kEnclosureLevelValid
  std::string connector_name;   // at most 4 characters
};
absl::StatusOr<SasDevicePage0> DecodeSasDevicePage0(ByteSpan page);
Bytes EncodeSasDevicePage0(const SasDevicePage0& page);
std::string ToString(const SasDevicePage0& page);

// SAS phy page 0 (MPI2_CONFIG_PAGE_SAS_PHY_0): a phy of the HBA.
struct SasPhyPage0 {
  static constexpr PageHeader kHeader{0x03, 0, PageType::kExtended, ExtPageType::kSasPhy, 8};
  DevHandle owner_handle;
  DevHandle attached_handle;
  PhyId attached_phy;
  uint32_t attached_phy_info = 0;
  uint8_t programmed_rate = 0;  // LinkRateRange
  uint8_t hardware_rate = 0;    // LinkRateRange
  uint8_t change_count = 0;
  uint8_t flags = 0;
  uint32_t phy_info = 0;
  uint8_t negotiated_rate = 0;
};
absl::StatusOr<SasPhyPage0> DecodeSasPhyPage0(ByteSpan page);
Bytes EncodeSasPhyPage0(const SasPhyPage0& page);
std::string ToString(const SasPhyPage0& page);

// SAS phy page 1 (MPI2_CONFIG_PAGE_SAS_PHY_1): its error counters.
struct SasPhyPage1 {
  static constexpr PageHeader kHeader{0x01, 1, PageType::kExtended, ExtPageType::kSasPhy, 7};
  uint32_t invalid_dword_count = 0;
  uint32_t running_disparity_error_count = 0;
  uint32_t loss_of_dword_sync_count = 0;
  uint32_t phy_reset_problem_count = 0;
};
absl::StatusOr<SasPhyPage1> DecodeSasPhyPage1(ByteSpan page);
Bytes EncodeSasPhyPage1(const SasPhyPage1& page);
std::string ToString(const SasPhyPage1& page);

// SAS enclosure page 0 (MPI2_CONFIG_PAGE_SAS_ENCLOSURE_0).
struct EnclosurePage0 {
  static constexpr PageHeader kHeader{0x04, 0, PageType::kExtended, ExtPageType::kEnclosure, 10};
  static constexpr uint16_t kFlagLevelValid = 0x0010, kFlagChassisSlotValid = 0x0020;
  static constexpr uint16_t kManagementMask = 0x000F;
  SasAddress logical_id;
  uint16_t flags = 0;
  EnclosureHandle handle;
  uint16_t slot_count = 0;
  uint16_t start_slot = 0;
  uint8_t chassis_slot = 0;
  uint8_t level = 0;
  DevHandle sep_handle;
};
absl::StatusOr<EnclosurePage0> DecodeEnclosurePage0(ByteSpan page);
Bytes EncodeEnclosurePage0(const EnclosurePage0& page);
std::string ToString(const EnclosurePage0& page);

// RAID volume pages 0 and 1 (MPI2_CONFIG_PAGE_RAID_VOL_0, MPI2_CONFIG_PAGE_RAID_VOL_1).
struct RaidVolumePage0 {
  static constexpr PageHeader kHeader{0x0A, 0, PageType::kRaidVolume, ExtPageType::kNone, 0};
  DevHandle handle;
  uint8_t state = 0;
  uint8_t type = 0;
  uint64_t max_lba = 0;
  uint8_t disk_count = 0;
};
absl::StatusOr<RaidVolumePage0> DecodeRaidVolumePage0(ByteSpan page);
Bytes EncodeRaidVolumePage0(const RaidVolumePage0& page);
std::string ToString(const RaidVolumePage0& page);
struct RaidVolumePage1 {
  static constexpr PageHeader kHeader{0x03, 1, PageType::kRaidVolume, ExtPageType::kNone, 16};
  DevHandle handle;
  SasAddress wwid;
};
absl::StatusOr<RaidVolumePage1> DecodeRaidVolumePage1(ByteSpan page);
Bytes EncodeRaidVolumePage1(const RaidVolumePage1& page);
std::string ToString(const RaidVolumePage1& page);

// RAID physical disk page 0 (MPI2_CONFIG_PAGE_RD_PDISK_0).
struct PhysicalDiskPage0 {
  static constexpr PageHeader kHeader{0x05, 0, PageType::kRaidPhysicalDisk, ExtPageType::kNone, 30};
  DevHandle handle;
  uint8_t number = 0;
  uint8_t state = 0;
};
absl::StatusOr<PhysicalDiskPage0> DecodePhysicalDiskPage0(ByteSpan page);
Bytes EncodePhysicalDiskPage0(const PhysicalDiskPage0& page);
std::string ToString(const PhysicalDiskPage0& page);

// A page with zeroes after its header. The kernel's driver reads such pages, but no field of them
// concerns us: manufacturing 11, BIOS 2 and 3, IOC 8, IO unit 0, 1 and 8.
Bytes EncodeEmptyPage(const PageHeader& header);

// Stores a header in the first 4 bytes of a page (extended: 8), or reads it from there.
void StorePageHeader(const PageHeader& header, MutableByteSpan page);
absl::StatusOr<PageHeader> DecodePageHeader(ByteSpan page);

}  // namespace sasd::mpi

#endif  // DRIVER_WIRE_MPI_PAGES_H_
