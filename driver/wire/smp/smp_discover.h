#ifndef DRIVER_WIRE_SMP_SMP_DISCOVER_H_
#define DRIVER_WIRE_SMP_SMP_DISCOVER_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "driver/base/endian.h"
#include "driver/base/link_rate.h"
#include "driver/base/sas_address.h"
#include "driver/base/strong_id.h"
#include "driver/wire/smp/smp.h"

// DISCOVER and DISCOVER LIST (see smp.h).
namespace sasd::mpi {

struct DiscoverResponse {
  static constexpr size_t kSize = 120;
  static constexpr uint8_t kNoSlot = 0xFF;

  uint16_t change_count_of_expander = 0;
  PhyId phy;
  uint8_t attached_device_type = 0;  // 0 none, 1 end device, 2 expander
  LinkRate negotiated = LinkRate::kUnknown;
  uint8_t attached_initiators = 0;  // bits: 1 SMP, 2 STP, 3 SSP; bit 0 SATA host
  uint8_t attached_targets = 0;     // bits: 1 SMP, 2 STP, 3 SSP; bit 0 SATA device
  SasAddress address;               // of this phy
  SasAddress attached_address;
  PhyId attached_phy;
  LinkRate programmed_min = LinkRate::kUnknown, programmed_max = LinkRate::kUnknown;
  LinkRate hardware_min = LinkRate::kUnknown, hardware_max = LinkRate::kUnknown;
  uint8_t change_count = 0;
  bool is_virtual = false;
  uint8_t partial_pathway_timeout_us = 0;  // at most 15
  uint8_t routing = 0;                     // 0 direct, 1 subtractive, 2 table
  // Not in SAS-1.1's form (52 bytes).
  SasAddress attached_device_name;
  uint8_t slot = kNoSlot;
};
absl::StatusOr<DiscoverResponse> DecodeDiscoverResponse(ByteSpan frame);
Bytes EncodeDiscoverResponse(const DiscoverResponse& response);

// The descriptors are either long (a whole DISCOVER response) or short. A short one lacks the
// expander's change count and address, the rates, the timeout, the device name and the slot. A phy
// whose descriptor reports a failure (such as a vacant phy) is left out.
struct DiscoverListResponse {
  static constexpr size_t kHeaderSize = 48;

  uint16_t change_count = 0;
  PhyId first_phy;
  PhyFilter filter = PhyFilter::kAll;
  DescriptorType type = DescriptorType::kLong;
  uint8_t flags = 0;  // 80 zoning supported, 40 enabled; 8 self-, 4 zone configuring, 2 configuring
  uint16_t last_status_index = 0;
  std::vector<DiscoverResponse> phys;
};
// In bytes: 120 (long) and 24 (short).
size_t DiscoverDescriptorSize(DescriptorType type);
absl::StatusOr<DiscoverListResponse> DecodeDiscoverListResponse(ByteSpan frame);
// Encodes as many phys as a frame holds.
Bytes EncodeDiscoverListResponse(const DiscoverListResponse& response);

}  // namespace sasd::mpi

#endif  // DRIVER_WIRE_SMP_SMP_DISCOVER_H_
