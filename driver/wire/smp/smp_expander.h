#ifndef DRIVER_WIRE_SMP_SMP_EXPANDER_H_
#define DRIVER_WIRE_SMP_SMP_EXPANDER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "driver/base/endian.h"
#include "driver/base/sas_address.h"
#include "driver/base/strong_id.h"

// SMP responses about an expander as a whole (see smp.h). Encoders give the whole response.
// Decoders also accept SAS-1.1's form, and set the fields that it lacks to 0.
namespace sasd::mpi {

struct ReportGeneralResponse {
  static constexpr size_t kSize = 72;
  // The bits of `flags`.
  static constexpr uint8_t kExternallyConfigurable = 0x01, kConfiguring = 0x02,
                           kConfiguresOthers = 0x04, kOpenRejectRetry = 0x08,
                           kStpContinueAwt = 0x10, kSelfConfiguring = 0x20, kZoneConfiguring = 0x40,
                           kTableToTable = 0x80;

  uint16_t change_count = 0;
  uint16_t route_indexes = 0;
  bool long_response = false;  // supports ALLOCATED RESPONSE LENGTH
  uint8_t phy_count = 0;
  uint8_t flags = 0;
  SasAddress enclosure_logical_id;
  // SAS-2.
  uint16_t ssp_connect_time_100us = 0;
  uint16_t stp_bus_inactivity_100us = 0;
  uint16_t stp_connect_time_100us = 0;
  uint16_t nexus_loss_ms = 0;
  uint8_t zoning = 0;  // 1 enabled, 2 supported
  uint16_t max_routed_addresses = 0;
  uint8_t power_done_s = 0;
  uint8_t open_delay_100ns = 0;
  uint8_t reduced_function_100ms = 0;
  uint16_t last_status_index = 0;
  uint16_t max_status_descriptors = 0;
  uint16_t stp_reject_to_open_10us = 0;
};
absl::StatusOr<ReportGeneralResponse> DecodeReportGeneralResponse(ByteSpan frame);
Bytes EncodeReportGeneralResponse(const ReportGeneralResponse& response);

struct ReportManufacturerResponse {
  static constexpr size_t kSize = 60;
  uint16_t change_count = 0;
  std::string vendor;    // at most 8 characters
  std::string product;   // at most 16
  std::string revision;  // at most 4
  // Empty and 0 for an expander older than SAS-1.1, whose bytes there mean something else.
  std::string component_vendor;  // at most 8
  uint16_t component_id = 0;
  uint8_t component_revision = 0;
};
absl::StatusOr<ReportManufacturerResponse> DecodeReportManufacturerResponse(ByteSpan frame);
Bytes EncodeReportManufacturerResponse(const ReportManufacturerResponse& response);

struct ReportSelfConfigurationStatusResponse {
  struct Descriptor {
    uint8_t status = 0;
    bool is_final = false;
    PhyId phy;
    SasAddress address;
  };
  uint16_t change_count = 0;
  uint16_t first_index = 0;
  uint16_t total = 0;
  uint16_t last_index = 0;
  std::vector<Descriptor> descriptors;  // at most 62
};
absl::StatusOr<ReportSelfConfigurationStatusResponse> DecodeReportSelfConfigurationStatusResponse(
    ByteSpan frame);
Bytes EncodeReportSelfConfigurationStatusResponse(
    const ReportSelfConfigurationStatusResponse& response);

}  // namespace sasd::mpi

#endif  // DRIVER_WIRE_SMP_SMP_EXPANDER_H_
