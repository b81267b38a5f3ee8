#ifndef DRIVER_WIRE_SMP_SMP_PHY_H_
#define DRIVER_WIRE_SMP_SMP_PHY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "driver/base/endian.h"
#include "driver/base/sas_address.h"
#include "driver/base/strong_id.h"

// SMP responses about a phy besides DISCOVER (see smp.h): its counters, and its SATA device.
namespace sasd::mpi {

struct ReportPhyErrorLogResponse {
  static constexpr size_t kSize = 28;
  uint16_t change_count = 0;
  PhyId phy;
  uint32_t invalid_dword_count = 0;
  uint32_t running_disparity_error_count = 0;
  uint32_t loss_of_dword_sync_count = 0;
  uint32_t phy_reset_problem_count = 0;
};
absl::StatusOr<ReportPhyErrorLogResponse> DecodeReportPhyErrorLogResponse(ByteSpan frame);
Bytes EncodeReportPhyErrorLogResponse(const ReportPhyErrorLogResponse& response);

struct ReportPhySataResponse {
  static constexpr size_t kSize = 68;
  uint16_t change_count = 0;
  PhyId phy;
  bool nexus_loss_occurred = false;
  bool affiliations_supported = false;
  bool affiliation_valid = false;
  SasAddress stp_address;
  std::array<uint8_t, 20> fis = {};  // the device's register FIS, first byte first
  SasAddress affiliated_initiator;
  // Not in SAS-1.1's form (56 bytes).
  SasAddress nexus_loss_initiator;
  uint8_t affiliation_context = 0;
  uint8_t affiliation_contexts = 0;
  uint8_t max_affiliation_contexts = 0;
};
absl::StatusOr<ReportPhySataResponse> DecodeReportPhySataResponse(ByteSpan frame);
Bytes EncodeReportPhySataResponse(const ReportPhySataResponse& response);

// SPL-4, "PHY EVENT SOURCE field".
enum class PhyEventSource : uint8_t {
  kInvalidDwords = 0x01,
  kRunningDisparityErrors = 0x02,
  kLossOfDwordSync = 0x03,
  kPhyResetProblems = 0x04,
};

struct ReportPhyEventResponse {
  struct Event {
    PhyEventSource source = PhyEventSource::kInvalidDwords;
    uint32_t value = 0;
    uint32_t threshold = 0;
  };
  uint16_t change_count = 0;
  PhyId phy;
  std::vector<Event> events;  // at most 84
};
absl::StatusOr<ReportPhyEventResponse> DecodeReportPhyEventResponse(ByteSpan frame);
Bytes EncodeReportPhyEventResponse(const ReportPhyEventResponse& response);

}  // namespace sasd::mpi

#endif  // DRIVER_WIRE_SMP_SMP_PHY_H_
