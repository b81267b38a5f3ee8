#ifndef DRIVER_WIRE_SMP_SMP_ROUTE_H_
#define DRIVER_WIRE_SMP_SMP_ROUTE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "driver/base/endian.h"
#include "driver/base/sas_address.h"
#include "driver/base/strong_id.h"

// An expander's route table by SMP (see smp.h): phy by phy, and as a whole.
namespace sasd::mpi {

struct ReportRouteInformationResponse {
  static constexpr size_t kSize = 40;
  uint16_t change_count = 0;
  uint16_t index = 0;
  PhyId phy;
  bool disabled = false;  // no route at this index
  SasAddress routed_address;
};
absl::StatusOr<ReportRouteInformationResponse> DecodeReportRouteInformationResponse(ByteSpan frame);
Bytes EncodeReportRouteInformationResponse(const ReportRouteInformationResponse& response);

struct ReportExpanderRouteTableListResponse {
  struct Route {
    SasAddress address;
    uint64_t phys = 0;  // bit i: phy first_phy + i; 48 of them
    uint8_t zone_group = 0;
  };
  static constexpr size_t kHeaderSize = 32, kRouteSize = 16;
  static constexpr int kPhys = 48;

  uint16_t change_count = 0;
  uint16_t table_change_count = 0;
  uint8_t flags = 0;  // 8 self-, 4 zone configuring, 2 configuring, 1 zoning enabled
  uint16_t first_index = 0;
  uint16_t last_index = 0;
  PhyId first_phy;
  std::vector<Route> routes;  // at most 62
};
absl::StatusOr<ReportExpanderRouteTableListResponse> DecodeReportExpanderRouteTableListResponse(
    ByteSpan frame);
Bytes EncodeReportExpanderRouteTableListResponse(
    const ReportExpanderRouteTableListResponse& response);

}  // namespace sasd::mpi

#endif  // DRIVER_WIRE_SMP_SMP_ROUTE_H_
