#include "driver/mpi/smp.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "driver/mpi/layout.h"
#include "driver/mpi/text.h"

namespace sasd::mpi {
namespace {

// SPL-4, 9.4.2 and 9.4.3: frame types.
constexpr uint8_t kRequestFrame = 0x40, kResponseFrame = 0x41;
constexpr size_t kPhyOffset = 9;

constexpr Word kFunctions[] = {
    {0x00, "report general"}, {0x01, "report manufacturer information"},
    {0x10, "discover"},       {0x11, "report phy error log"},
    {0x91, "phy control"},
};

// SPL-4, "FUNCTION RESULT field".
constexpr Word kResults[] = {
    {0x00, "accepted"},
    {0x01, "unknown function"},
    {0x02, "function failed"},
    {0x03, "invalid request frame length"},
    {0x04, "invalid expander change count"},
    {0x05, "busy"},
    {0x06, "incomplete descriptor list"},
    {0x10, "phy does not exist"},
    {0x11, "index does not exist"},
    {0x12, "phy does not support SATA"},
    {0x13, "unknown phy operation"},
    {0x14, "unknown phy test function"},
    {0x15, "phy test in progress"},
    {0x16, "phy vacant"},
    {0x17, "unknown phy event source"},
    {0x18, "unknown descriptor type"},
    {0x19, "unknown phy filter"},
    {0x1A, "affiliation violation"},
    {0x20, "zone violation"},
    {0x21, "no management access rights"},
};

constexpr Word kOperations[] = {
    {0x00, "no operation"},
    {0x01, "link reset"},
    {0x02, "hard reset"},
    {0x03, "disable"},
    {0x05, "clear error log"},
    {0x06, "clear affiliation"},
    {0x07, "transmit SATA port selection signal"},
};

bool HasPhy(SmpFunction function) {
  return function == SmpFunction::kDiscover || function == SmpFunction::kReportPhyErrorLog ||
         function == SmpFunction::kPhyControl;
}

Bytes NewResponse(SmpFunction function, size_t size) {
  Bytes frame(size);
  frame[0] = kResponseFrame;
  frame[1] = static_cast<uint8_t>(function);
  frame[2] = static_cast<uint8_t>(SmpResult::kAccepted);
  frame[3] = static_cast<uint8_t>(size / 4 - 1);  // RESPONSE LENGTH: dwords after the first
  return frame;
}

absl::Status CheckResponse(SmpFunction function, ByteSpan frame, size_t needed) {
  if (absl::Status s = CheckSmpResponse(function, frame); !s.ok()) return s;
  return CheckSize(absl::StrCat("SMP ", ToString(function), " response"), frame, needed);
}

// A byte with a programmed and a hardware rate (SPL-4, DISCOVER response, bytes 40 and 41).
uint8_t RatePair(LinkRate programmed, LinkRate hardware) {
  return static_cast<uint8_t>(static_cast<uint8_t>(programmed) << 4 |
                              static_cast<uint8_t>(hardware));
}

}  // namespace

std::string ToString(SmpResult result) {
  return TextOf(kResults, static_cast<uint32_t>(result), "function result");
}
std::string ToString(SmpFunction function) {
  return TextOf(kFunctions, static_cast<uint32_t>(function), "function");
}
std::string ToString(PhyOperation operation) {
  return TextOf(kOperations, static_cast<uint32_t>(operation), "phy operation");
}
std::string ToString(const SmpRequest& request) {
  std::string text = absl::StrCat("SMP ", ToString(request.function));
  if (HasPhy(request.function)) absl::StrAppend(&text, ", phy ", request.phy.value());
  if (request.function == SmpFunction::kPhyControl) {
    absl::StrAppend(&text, ", ", ToString(request.operation));
  }
  return text;
}

// SPL-4, 9.4.4.3: byte 9 is the phy of all functions that have one; PHY CONTROL's operation is byte
// 10. REQUEST LENGTH (byte 3) is 0 for REPORT GENERAL and REPORT MANUFACTURER INFORMATION.
absl::StatusOr<SmpRequest> DecodeSmpRequest(ByteSpan frame) {
  if (absl::Status s = CheckSize("SMP request", frame, 4); !s.ok()) return s;
  if (frame[0] != kRequestFrame) {
    return absl::InvalidArgumentError(
        absl::StrFormat("SMP request: frame type 0x%02x, 0x40 is needed", frame[0]));
  }
  SmpRequest request;
  request.function = static_cast<SmpFunction>(frame[1]);
  if (!HasPhy(request.function)) return request;
  if (absl::Status s = CheckSize("SMP request", frame, kPhyOffset + 2); !s.ok()) return s;
  request.phy = PhyId(frame[kPhyOffset]);
  if (request.function == SmpFunction::kPhyControl) {
    request.operation = static_cast<PhyOperation>(frame[10]);
  }
  return request;
}

Bytes EncodeSmpRequest(const SmpRequest& request) {
  size_t size = 4;
  if (HasPhy(request.function)) size = request.function == SmpFunction::kPhyControl ? 40 : 12;
  Bytes frame(size);
  frame[0] = kRequestFrame;
  frame[1] = static_cast<uint8_t>(request.function);
  frame[3] = static_cast<uint8_t>(size / 4 - 1);
  if (size > 4) frame[kPhyOffset] = request.phy.value();
  if (request.function == SmpFunction::kPhyControl) {
    frame[10] = static_cast<uint8_t>(request.operation);
  }
  return frame;
}

Bytes EncodeSmpResult(SmpFunction function, SmpResult result) {
  Bytes frame = NewResponse(function, 4);
  frame[2] = static_cast<uint8_t>(result);
  return frame;
}

absl::Status CheckSmpResponse(SmpFunction function, ByteSpan frame) {
  if (absl::Status s = CheckSize("SMP response", frame, 4); !s.ok()) return s;
  if (frame[0] != kResponseFrame || frame[1] != static_cast<uint8_t>(function)) {
    return absl::InvalidArgumentError(
        absl::StrFormat("SMP response: frame type 0x%02x function 0x%02x answers function 0x%02x",
                        frame[0], frame[1], static_cast<uint8_t>(function)));
  }
  const auto result = static_cast<SmpResult>(frame[2]);
  if (result == SmpResult::kAccepted) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("SMP ", ToString(function), ": ", ToString(result)));
}

// SPL-4, 9.4.4.4, REPORT GENERAL response.
absl::StatusOr<ReportGeneralResponse> DecodeReportGeneralResponse(ByteSpan frame) {
  if (absl::Status s = CheckResponse(SmpFunction::kReportGeneral, frame, 20); !s.ok()) return s;
  ReportGeneralResponse response;
  response.change_count = LoadBe16(frame, 4);
  response.route_indexes = LoadBe16(frame, 6);
  response.phy_count = frame[9];
  response.configurable_route_table = (frame[10] & 0x01) != 0;
  response.configuring = (frame[10] & 0x02) != 0;
  response.table_to_table = (frame[10] & 0x80) != 0;
  response.enclosure_logical_id = SasAddress(LoadBe64(frame, 12));
  return response;
}
Bytes EncodeReportGeneralResponse(const ReportGeneralResponse& response) {
  Bytes frame = NewResponse(SmpFunction::kReportGeneral, ReportGeneralResponse::kSize);
  const MutableByteSpan out = absl::MakeSpan(frame);
  StoreBe16(out, 4, response.change_count);
  StoreBe16(out, 6, response.route_indexes);
  out[9] = response.phy_count;
  out[10] = static_cast<uint8_t>((response.configurable_route_table ? 0x01 : 0) |
                                 (response.configuring ? 0x02 : 0) |
                                 (response.table_to_table ? 0x80 : 0));
  StoreBe64(out, 12, response.enclosure_logical_id.value());
  return frame;
}

// SPL-4, 9.4.4.5, REPORT MANUFACTURER INFORMATION response. Without the SAS-1.1 FORMAT bit the
// component's fields are vendor specific.
constexpr uint8_t kSas11Format = 0x01;
absl::StatusOr<ReportManufacturerResponse> DecodeReportManufacturerResponse(ByteSpan frame) {
  if (absl::Status s = CheckResponse(SmpFunction::kReportManufacturer, frame, 51); !s.ok())
    return s;
  ReportManufacturerResponse response;
  response.change_count = LoadBe16(frame, 4);
  response.vendor = LoadText(frame, 12, 8);
  response.product = LoadText(frame, 20, 16);
  response.revision = LoadText(frame, 36, 4);
  if ((frame[8] & kSas11Format) == 0) return response;
  response.component_vendor = LoadText(frame, 40, 8);
  response.component_id = LoadBe16(frame, 48);
  response.component_revision = frame[50];
  return response;
}
Bytes EncodeReportManufacturerResponse(const ReportManufacturerResponse& response) {
  Bytes frame = NewResponse(SmpFunction::kReportManufacturer, ReportManufacturerResponse::kSize);
  const MutableByteSpan out = absl::MakeSpan(frame);
  StoreBe16(out, 4, response.change_count);
  out[8] = kSas11Format;
  StoreText(response.vendor, out, 12, 8, ' ');
  StoreText(response.product, out, 20, 16, ' ');
  StoreText(response.revision, out, 36, 4, ' ');
  StoreText(response.component_vendor, out, 40, 8, ' ');
  StoreBe16(out, 48, response.component_id);
  out[50] = response.component_revision;
  return frame;
}

// SPL-4, 9.4.4.10, DISCOVER response.
absl::StatusOr<DiscoverResponse> DecodeDiscoverResponse(ByteSpan frame) {
  if (absl::Status s = CheckResponse(SmpFunction::kDiscover, frame, 48); !s.ok()) return s;
  DiscoverResponse response;
  response.phy = PhyId(frame[9]);
  response.attached_device_type = frame[12] >> 4 & 0x7;
  response.negotiated = LinkRateFromNibble(frame[13]);
  response.attached_initiators = frame[14] & 0x0F;
  response.attached_targets = frame[15] & 0x0F;
  response.address = SasAddress(LoadBe64(frame, 16));
  response.attached_address = SasAddress(LoadBe64(frame, 24));
  response.attached_phy = PhyId(frame[32]);
  response.programmed_min = LinkRateFromNibble(frame[40] >> 4);
  response.hardware_min = LinkRateFromNibble(frame[40]);
  response.programmed_max = LinkRateFromNibble(frame[41] >> 4);
  response.hardware_max = LinkRateFromNibble(frame[41]);
  response.change_count = frame[42];
  response.is_virtual = (frame[43] & 0x80) != 0;
  response.routing = frame[44] & 0x0F;
  return response;
}
Bytes EncodeDiscoverResponse(const DiscoverResponse& response) {
  Bytes frame = NewResponse(SmpFunction::kDiscover, DiscoverResponse::kSize);
  const MutableByteSpan out = absl::MakeSpan(frame);
  out[9] = response.phy.value();
  out[12] = static_cast<uint8_t>(response.attached_device_type << 4);
  out[13] = static_cast<uint8_t>(response.negotiated);
  out[14] = response.attached_initiators;
  out[15] = response.attached_targets;
  StoreBe64(out, 16, response.address.value());
  StoreBe64(out, 24, response.attached_address.value());
  out[32] = response.attached_phy.value();
  out[40] = RatePair(response.programmed_min, response.hardware_min);
  out[41] = RatePair(response.programmed_max, response.hardware_max);
  out[42] = response.change_count;
  out[43] = response.is_virtual ? 0x80 : 0;
  out[44] = response.routing;
  return frame;
}

// SPL-4, 9.4.4.11, REPORT PHY ERROR LOG response.
absl::StatusOr<ReportPhyErrorLogResponse> DecodeReportPhyErrorLogResponse(ByteSpan frame) {
  if (absl::Status s =
          CheckResponse(SmpFunction::kReportPhyErrorLog, frame, ReportPhyErrorLogResponse::kSize);
      !s.ok()) {
    return s;
  }
  ReportPhyErrorLogResponse response;
  response.phy = PhyId(frame[9]);
  response.invalid_dword_count = LoadBe32(frame, 12);
  response.running_disparity_error_count = LoadBe32(frame, 16);
  response.loss_of_dword_sync_count = LoadBe32(frame, 20);
  response.phy_reset_problem_count = LoadBe32(frame, 24);
  return response;
}
Bytes EncodeReportPhyErrorLogResponse(const ReportPhyErrorLogResponse& response) {
  Bytes frame = NewResponse(SmpFunction::kReportPhyErrorLog, ReportPhyErrorLogResponse::kSize);
  const MutableByteSpan out = absl::MakeSpan(frame);
  out[9] = response.phy.value();
  StoreBe32(out, 12, response.invalid_dword_count);
  StoreBe32(out, 16, response.running_disparity_error_count);
  StoreBe32(out, 20, response.loss_of_dword_sync_count);
  StoreBe32(out, 24, response.phy_reset_problem_count);
  return frame;
}

}  // namespace sasd::mpi
