#ifndef DRIVER_MPI_SMP_H_
#define DRIVER_MPI_SMP_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "driver/base/endian.h"
#include "driver/base/link_rate.h"
#include "driver/base/sas_address.h"
#include "driver/base/strong_id.h"

// SMP frames (SPL-4, 9.4), big-endian, without the CRC, as MPI passes them; kSize is a response's
// size so (SAS-1.1's length: later standards append, which is accepted). Pure functions,
// thread-safe. Decoding is total; a response that reports a failure is kFailedPrecondition with the
// function result in words.
namespace sasd::mpi {

enum class SmpFunction : uint8_t {
  kReportGeneral = 0x00,
  kReportManufacturer = 0x01,
  kDiscover = 0x10,
  kReportPhyErrorLog = 0x11,
  kPhyControl = 0x91,
};
std::string ToString(SmpFunction function);

// SPL-4 table "FUNCTION RESULT field".
enum class SmpResult : uint8_t {
  kAccepted = 0x00,
  kUnknownFunction = 0x01,
  kFailed = 0x02,
  kInvalidRequestFrameLength = 0x03,
  kInvalidExpanderChangeCount = 0x04,
  kBusy = 0x05,
  kIncompleteDescriptorList = 0x06,
  kPhyDoesNotExist = 0x10,
  kIndexDoesNotExist = 0x11,
  kPhyDoesNotSupportSata = 0x12,
  kUnknownPhyOperation = 0x13,
  kUnknownPhyTestFunction = 0x14,
  kPhyTestInProgress = 0x15,
  kPhyVacant = 0x16,
  kUnknownPhyEventSource = 0x17,
  kUnknownDescriptorType = 0x18,
  kUnknownPhyFilter = 0x19,
  kAffiliationViolation = 0x1A,
  kZoneViolation = 0x20,
  kNoManagementAccessRights = 0x21,
};
std::string ToString(SmpResult result);

// PHY CONTROL operations (SPL-4).
enum class PhyOperation : uint8_t {
  kNop = 0x00,
  kLinkReset = 0x01,
  kHardReset = 0x02,
  kDisable = 0x03,
  kClearErrorLog = 0x05,
  kClearAffiliation = 0x06,
  kSataPortSelection = 0x07,
};
std::string ToString(PhyOperation operation);

// A request of any of the functions; `phy` and `operation` where the function has them.
struct SmpRequest {
  SmpFunction function = SmpFunction::kReportGeneral;
  PhyId phy;
  PhyOperation operation = PhyOperation::kNop;
};
absl::StatusOr<SmpRequest> DecodeSmpRequest(ByteSpan frame);
Bytes EncodeSmpRequest(const SmpRequest& request);
std::string ToString(const SmpRequest& request);  // "SMP phy control, phy 3, link reset"

// A response with no more than a result: a failure, or PHY CONTROL's success.
Bytes EncodeSmpResult(SmpFunction function, SmpResult result);
// kOk if the frame answers `function` with success.
absl::Status CheckSmpResponse(SmpFunction function, ByteSpan frame);

struct ReportGeneralResponse {
  static constexpr size_t kSize = 28;
  uint16_t change_count = 0;
  uint16_t route_indexes = 0;
  uint8_t phy_count = 0;
  bool configurable_route_table = false;
  bool configuring = false;
  bool table_to_table = false;
  SasAddress enclosure_logical_id;
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

struct DiscoverResponse {
  static constexpr size_t kSize = 52;
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
  uint8_t routing = 0;  // 0 direct, 1 subtractive, 2 table
};
absl::StatusOr<DiscoverResponse> DecodeDiscoverResponse(ByteSpan frame);
Bytes EncodeDiscoverResponse(const DiscoverResponse& response);

struct ReportPhyErrorLogResponse {
  static constexpr size_t kSize = 28;
  PhyId phy;
  uint32_t invalid_dword_count = 0;
  uint32_t running_disparity_error_count = 0;
  uint32_t loss_of_dword_sync_count = 0;
  uint32_t phy_reset_problem_count = 0;
};
absl::StatusOr<ReportPhyErrorLogResponse> DecodeReportPhyErrorLogResponse(ByteSpan frame);
Bytes EncodeReportPhyErrorLogResponse(const ReportPhyErrorLogResponse& response);

}  // namespace sasd::mpi

#endif  // DRIVER_MPI_SMP_H_
