#include "driver/wire/smp/smp_expander.h"

#include <algorithm>

#include "driver/wire/layout.h"
#include "driver/wire/smp/smp.h"
#include "driver/wire/text.h"

namespace sasd::mpi {
namespace {

constexpr uint8_t kLongResponse = 0x80;

// SPL-4, 9.4.4.4, REPORT GENERAL response: SAS-1.1's fields, then those of SAS-2.
template <typename Io, typename M>
void GeneralLayout(const Io& io, M& m) {
  io(4, m.change_count);
  io(6, m.route_indexes);
  io(9, m.phy_count);
  io(10, m.flags);
  io(12, m.enclosure_logical_id);
}
template <typename Io, typename M>
void LongGeneralLayout(const Io& io, M& m) {
  io(28, m.ssp_connect_time_100us);
  io(30, m.stp_bus_inactivity_100us);
  io(32, m.stp_connect_time_100us);
  io(34, m.nexus_loss_ms);
  io(36, m.zoning);
  io(38, m.max_routed_addresses);
  io(52, m.power_done_s);
  io(55, m.open_delay_100ns);
  io(58, m.reduced_function_100ms);
  io(60, m.last_status_index);
  io(62, m.max_status_descriptors);
  io(68, m.stp_reject_to_open_10us);
}

// SPL-4, REPORT SELF-CONFIGURATION STATUS response.
constexpr size_t kStatusHeader = 20, kStatusSize = 16;
template <typename Io, typename M>
void StatusLayout(const Io& io, M& m) {
  io(4, m.change_count);
  io(6, m.first_index);
  io(8, m.total);
  io(10, m.last_index);
}

}  // namespace

absl::StatusOr<ReportGeneralResponse> DecodeReportGeneralResponse(ByteSpan frame) {
  if (absl::Status s = CheckSmpResponse(SmpFunction::kReportGeneral, frame, 20); !s.ok()) return s;
  ReportGeneralResponse response;
  GeneralLayout(BeLoader(frame), response);
  response.long_response = (frame[8] & kLongResponse) != 0;
  if (frame.size() >= ReportGeneralResponse::kSize) LongGeneralLayout(BeLoader(frame), response);
  return response;
}
Bytes EncodeReportGeneralResponse(const ReportGeneralResponse& response) {
  Bytes frame = NewSmpResponse(SmpFunction::kReportGeneral, ReportGeneralResponse::kSize);
  const BeStorer io(absl::MakeSpan(frame));
  GeneralLayout(io, response);
  LongGeneralLayout(io, response);
  if (response.long_response) frame[8] |= kLongResponse;
  return frame;
}

// SPL-4, 9.4.4.5, REPORT MANUFACTURER INFORMATION response. Without the SAS-1.1 FORMAT bit the
// component's fields are vendor specific.
constexpr uint8_t kSas11Format = 0x01;
absl::StatusOr<ReportManufacturerResponse> DecodeReportManufacturerResponse(ByteSpan frame) {
  if (absl::Status s = CheckSmpResponse(SmpFunction::kReportManufacturer, frame, 51); !s.ok()) {
    return s;
  }
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
  Bytes frame = NewSmpResponse(SmpFunction::kReportManufacturer, ReportManufacturerResponse::kSize);
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

absl::StatusOr<ReportSelfConfigurationStatusResponse> DecodeReportSelfConfigurationStatusResponse(
    ByteSpan frame) {
  constexpr auto kFunction = SmpFunction::kReportSelfConfigurationStatus;
  if (absl::Status s = CheckSmpResponse(kFunction, frame, kStatusHeader); !s.ok()) return s;
  const size_t size = 4 * frame[12], count = frame[19];
  if (count > 0 && size < kStatusSize) {
    return absl::InvalidArgumentError("self-configuration status descriptors are too short");
  }
  if (absl::Status s = CheckSmpResponse(kFunction, frame, kStatusHeader + count * size); !s.ok()) {
    return s;
  }
  ReportSelfConfigurationStatusResponse response;
  StatusLayout(BeLoader(frame), response);
  for (size_t at = kStatusHeader; response.descriptors.size() < count; at += size) {
    response.descriptors.push_back({frame[at], (frame[at + 1] & 0x01) != 0, PhyId(frame[at + 3]),
                                    SasAddress(LoadBe64(frame, at + 8))});
  }
  return response;
}
Bytes EncodeReportSelfConfigurationStatusResponse(
    const ReportSelfConfigurationStatusResponse& response) {
  constexpr size_t kMost = (kMaxSmpResponse - kStatusHeader) / kStatusSize;
  const size_t count = std::min(response.descriptors.size(), kMost);
  Bytes frame = NewSmpResponse(SmpFunction::kReportSelfConfigurationStatus,
                               kStatusHeader + count * kStatusSize);
  const MutableByteSpan out = absl::MakeSpan(frame);
  StatusLayout(BeStorer(out), response);
  out[12] = kStatusSize / 4;
  out[19] = static_cast<uint8_t>(count);
  for (size_t i = 0; i < count; ++i) {
    const auto& descriptor = response.descriptors[i];
    const MutableByteSpan at = out.subspan(kStatusHeader + i * kStatusSize);
    at[0] = descriptor.status;
    at[1] = descriptor.is_final ? 0x01 : 0;
    at[3] = descriptor.phy.value();
    StoreBe64(at, 8, descriptor.address.value());
  }
  return frame;
}

}  // namespace sasd::mpi
