#ifndef DRIVER_WIRE_SMP_SMP_H_
#define DRIVER_WIRE_SMP_SMP_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "driver/base/endian.h"
#include "driver/base/link_rate.h"
#include "driver/base/strong_id.h"

// SMP frames (SPL-4, 9.4), big-endian, without the CRC, as MPI passes them: the requests, and the
// common part of all responses. Pure functions, thread-safe. Decoding is total. A response that
// reports a failure gives kFailedPrecondition with the function result in words.
//
// The fourth byte of a frame counts the dwords that follow. It is 0 in SAS-1.1, whose functions
// have fixed lengths. A request whose ALLOCATED RESPONSE LENGTH is 0 asks for SAS-1.1's response.
namespace sasd::mpi {

enum class SmpFunction : uint8_t {
  kReportGeneral = 0x00,
  kReportManufacturer = 0x01,
  kReportSelfConfigurationStatus = 0x03,
  kDiscover = 0x10,
  kReportPhyErrorLog = 0x11,
  kReportPhySata = 0x12,
  kReportRouteInformation = 0x13,
  kReportPhyEvent = 0x14,
  kDiscoverList = 0x20,
  kReportExpanderRouteTableList = 0x22,
  kConfigureGeneral = 0x80,
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
  kClearNexusLoss = 0x08,
  kSetAttachedDeviceName = 0x09,
};
std::string ToString(PhyOperation operation);

// DISCOVER LIST: the phys to list, and the form of their descriptors.
enum class PhyFilter : uint8_t { kAll = 0, kToExpander = 1, kToAny = 2, kToEndDevice = 3 };
enum class DescriptorType : uint8_t { kLong = 0, kShort = 1 };

// CONFIGURE GENERAL: a bit in `update` for each field to change, and the new values.
struct GeneralConfiguration {
  static constexpr uint8_t kStpBusInactivity = 0x01, kStpConnectTime = 0x02, kNexusLoss = 0x04,
                           kReducedFunction = 0x08, kStpRejectToOpen = 0x10, kPowerDone = 0x20,
                           kSspConnectTime = 0x40, kOpenDelay = 0x80;
  uint8_t update = 0;
  uint16_t ssp_connect_time_100us = 0;
  uint8_t open_delay_100ns = 0;
  uint16_t stp_bus_inactivity_100us = 0;
  uint16_t stp_connect_time_100us = 0;
  uint16_t nexus_loss_ms = 0;
  uint8_t reduced_function_100ms = 0;
  uint8_t power_done_s = 0;
  uint16_t stp_reject_to_open_10us = 0;
};

// A request of any function. Fields that a function does not have are 0.
struct SmpRequest {
  SmpFunction function = SmpFunction::kReportGeneral;
  uint8_t allocated_dwords = 0;  // ALLOCATED RESPONSE LENGTH
  PhyId phy;                     // of a list: the first phy
  PhyOperation operation = PhyOperation::kNop;
  LinkRate programmed_min = LinkRate::kUnknown;  // kUnknown: unchanged
  LinkRate programmed_max = LinkRate::kUnknown;
  uint16_t expected_change_count = 0;  // 0: any
  uint16_t index = 0;                  // of a route or a status descriptor; of a list: the first
  uint16_t max_descriptors = 0;
  PhyFilter filter = PhyFilter::kAll;
  DescriptorType descriptor_type = DescriptorType::kLong;
  uint8_t affiliation_context = 0;
  GeneralConfiguration configuration;
};
// Decodes only `function` and `allocated_dwords` if the function is not an SmpFunction. A wrong
// length is an error.
absl::StatusOr<SmpRequest> DecodeSmpRequest(ByteSpan frame);
Bytes EncodeSmpRequest(const SmpRequest& request);
std::string ToString(const SmpRequest& request);  // "SMP phy control, phy 3, link reset"

// The longest response, header included.
constexpr size_t kMaxSmpResponse = 1024;

// A response that has only a result: a failure, or the success of a control function.
Bytes EncodeSmpResult(SmpFunction function, SmpResult result);
// An accepted response of `size` bytes, a multiple of 4 up to kMaxSmpResponse, 0 from byte 4 on.
Bytes NewSmpResponse(SmpFunction function, size_t size);
// Cuts a response to the room that the request gives: SAS-1.1's form if it asks for that, else the
// allocated length. In the latter case RESPONSE LENGTH still states the whole length.
void FitSmpResponse(const SmpRequest& request, Bytes& frame);

// kOk if the frame is a successful answer to `function` of at least `needed` bytes.
absl::Status CheckSmpResponse(SmpFunction function, ByteSpan frame, size_t needed = 4);

}  // namespace sasd::mpi

#endif  // DRIVER_WIRE_SMP_SMP_H_
