#ifndef DRIVER_MPI_IOC_PAGES_H_
#define DRIVER_MPI_IOC_PAGES_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "driver/base/endian.h"
#include "driver/base/sas_address.h"
#include "driver/mpi/constants.h"
#include "driver/mpi/messages.h"

// The configuration pages that tell about the HBA itself and that a driver reads when it starts;
// as in pages.h, which has those of the topology. Fields that nobody here needs are 0.
namespace sasd::mpi {

// Manufacturing page 11 (mpt3sas_base.h, struct Mpi2ManufacturingPage11_t; not in mpi2_cnfg.h).
struct ManufacturingPage11 {
  static constexpr PageHeader kHeader{0x00, 11, PageType::kManufacturing, ExtPageType::kNone, 23};
  uint8_t eedp_tag_mode = 0;  // the kernel's driver writes 1 where it is 0
  uint16_t additional_flags2 = 0;
  uint8_t additional_flags3 = 0;
};
absl::StatusOr<ManufacturingPage11> DecodeManufacturingPage11(ByteSpan page);
Bytes EncodeManufacturingPage11(const ManufacturingPage11& page);

// IO unit page 0 (mpi2_cnfg.h, MPI2_CONFIG_PAGE_IO_UNIT_0).
struct IoUnitPage0 {
  static constexpr PageHeader kHeader{0x02, 0, PageType::kIoUnit, ExtPageType::kNone, 5};
  uint64_t unique_value = 0;
  uint32_t nvdata_version_default = 0;
  uint32_t nvdata_version_persistent = 0;
};
absl::StatusOr<IoUnitPage0> DecodeIoUnitPage0(ByteSpan page);
Bytes EncodeIoUnitPage0(const IoUnitPage0& page);

// IO unit page 1 (mpi2_cnfg.h, MPI2_CONFIG_PAGE_IO_UNIT_1).
struct IoUnitPage1 {
  static constexpr PageHeader kHeader{0x04, 1, PageType::kIoUnit, ExtPageType::kNone, 2};
  uint32_t flags = 0;
};
absl::StatusOr<IoUnitPage1> DecodeIoUnitPage1(ByteSpan page);
Bytes EncodeIoUnitPage1(const IoUnitPage1& page);

// IO unit page 8 (mpi2_cnfg.h, MPI2_CONFIG_PAGE_IO_UNIT_8), without its sensors.
struct IoUnitPage8 {
  static constexpr PageHeader kHeader{0x00, 8, PageType::kIoUnit, ExtPageType::kNone, 10};
  uint8_t sensor_count = 0;
  uint8_t polling_interval = 0;
};
absl::StatusOr<IoUnitPage8> DecodeIoUnitPage8(ByteSpan page);
Bytes EncodeIoUnitPage8(const IoUnitPage8& page);

// IOC page 8 (mpi2_cnfg.h, MPI2_CONFIG_PAGE_IOC_8).
struct IocPage8 {
  static constexpr PageHeader kHeader{0x00, 8, PageType::kIoc, ExtPageType::kNone, 6};
  static constexpr uint16_t kVolumeMappingMask = 0x0003;
  static constexpr uint16_t kLowVolumeMapping = 0, kHighVolumeMapping = 1;
  uint8_t devices_per_enclosure = 0;
  uint16_t max_persistent_entries = 0;
  uint16_t max_physical_mapped_ids = 0;
  uint16_t flags = 0;
  uint16_t volume_mapping_flags = 0;
};
absl::StatusOr<IocPage8> DecodeIocPage8(ByteSpan page);
Bytes EncodeIocPage8(const IocPage8& page);

// BIOS page 2 (mpi2_cnfg.h, MPI2_CONFIG_PAGE_BIOS_2): what to boot from.
struct BiosPage2 {
  static constexpr PageHeader kHeader{0x04, 2, PageType::kBios, ExtPageType::kNone, 28};
  static constexpr uint8_t kFormMask = 0x0F;
  static constexpr uint8_t kNone = 0, kSasWwid = 5, kEnclosureSlot = 6, kDeviceName = 7;
  struct BootDevice {
    uint8_t form = kNone;
    SasAddress name;    // by form: SAS address, enclosure logical id, device name
    uint16_t slot = 0;  // kEnclosureSlot
  };
  BootDevice requested, requested_alternate, current;
};
absl::StatusOr<BiosPage2> DecodeBiosPage2(ByteSpan page);
Bytes EncodeBiosPage2(const BiosPage2& page);

// BIOS page 3 (mpi2_cnfg.h, MPI2_CONFIG_PAGE_BIOS_3).
struct BiosPage3 {
  static constexpr PageHeader kHeader{0x01, 3, PageType::kBios, ExtPageType::kNone, 24};
  uint32_t global_flags = 0;
  uint32_t bios_version = 0;  // 0: no BIOS
};
absl::StatusOr<BiosPage3> DecodeBiosPage3(ByteSpan page);
Bytes EncodeBiosPage3(const BiosPage3& page);

}  // namespace sasd::mpi

#endif  // DRIVER_MPI_IOC_PAGES_H_
