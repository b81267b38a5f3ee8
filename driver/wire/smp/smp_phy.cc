#include "driver/wire/smp/smp_phy.h"

#include <algorithm>

#include "driver/wire/layout.h"
#include "driver/wire/smp/smp.h"

namespace sasd::mpi {
namespace {

// SPL-4, 9.4.4.11, REPORT PHY ERROR LOG response.
template <typename Io, typename M>
void ErrorLogLayout(const Io& io, M& m) {
  io(4, m.change_count);
  io(9, m.phy);
  io(12, m.invalid_dword_count);
  io(16, m.running_disparity_error_count);
  io(20, m.loss_of_dword_sync_count);
  io(24, m.phy_reset_problem_count);
}

// SPL-4, REPORT PHY SATA response (struct report_phy_sata_resp of Linux's sas.h, after a header of
// 4 bytes), then the fields of SAS-2.
constexpr size_t kOldSataSize = 56, kFisOffset = 24;
constexpr uint8_t kAffiliationValid = 0x01, kAffiliationsSupported = 0x02, kNexusLoss = 0x04;
template <typename Io, typename M>
void SataLayout(const Io& io, M& m) {
  io(4, m.change_count);
  io(9, m.phy);
  io(16, m.stp_address);
  io(48, m.affiliated_initiator);
}
template <typename Io, typename M>
void LongSataLayout(const Io& io, M& m) {
  io(56, m.nexus_loss_initiator);
  io(65, m.affiliation_context);
  io(66, m.affiliation_contexts);
  io(67, m.max_affiliation_contexts);
}

// SPL-4, REPORT PHY EVENT response.
constexpr size_t kEventHeader = 16, kEventSize = 12;
template <typename Io, typename M>
void EventLayout(const Io& io, M& m) {
  io(3, m.source);
  io(4, m.value);
  io(8, m.threshold);
}

}  // namespace

absl::StatusOr<ReportPhyErrorLogResponse> DecodeReportPhyErrorLogResponse(ByteSpan frame) {
  if (absl::Status s = CheckSmpResponse(SmpFunction::kReportPhyErrorLog, frame,
                                        ReportPhyErrorLogResponse::kSize);
      !s.ok()) {
    return s;
  }
  ReportPhyErrorLogResponse response;
  ErrorLogLayout(BeLoader(frame), response);
  return response;
}
Bytes EncodeReportPhyErrorLogResponse(const ReportPhyErrorLogResponse& response) {
  Bytes frame = NewSmpResponse(SmpFunction::kReportPhyErrorLog, ReportPhyErrorLogResponse::kSize);
  ErrorLogLayout(BeStorer(absl::MakeSpan(frame)), response);
  return frame;
}

absl::StatusOr<ReportPhySataResponse> DecodeReportPhySataResponse(ByteSpan frame) {
  if (absl::Status s = CheckSmpResponse(SmpFunction::kReportPhySata, frame, kOldSataSize);
      !s.ok()) {
    return s;
  }
  ReportPhySataResponse response;
  SataLayout(BeLoader(frame), response);
  response.nexus_loss_occurred = (frame[11] & kNexusLoss) != 0;
  response.affiliations_supported = (frame[11] & kAffiliationsSupported) != 0;
  response.affiliation_valid = (frame[11] & kAffiliationValid) != 0;
  std::copy_n(frame.begin() + kFisOffset, response.fis.size(), response.fis.begin());
  if (frame.size() >= ReportPhySataResponse::kSize) LongSataLayout(BeLoader(frame), response);
  return response;
}
Bytes EncodeReportPhySataResponse(const ReportPhySataResponse& response) {
  Bytes frame = NewSmpResponse(SmpFunction::kReportPhySata, ReportPhySataResponse::kSize);
  const BeStorer io(absl::MakeSpan(frame));
  SataLayout(io, response);
  LongSataLayout(io, response);
  frame[11] = static_cast<uint8_t>((response.nexus_loss_occurred ? kNexusLoss : 0) |
                                   (response.affiliations_supported ? kAffiliationsSupported : 0) |
                                   (response.affiliation_valid ? kAffiliationValid : 0));
  std::copy(response.fis.begin(), response.fis.end(), frame.begin() + kFisOffset);
  return frame;
}

absl::StatusOr<ReportPhyEventResponse> DecodeReportPhyEventResponse(ByteSpan frame) {
  if (absl::Status s = CheckSmpResponse(SmpFunction::kReportPhyEvent, frame, kEventHeader);
      !s.ok()) {
    return s;
  }
  const size_t size = 4 * frame[14], count = frame[15];
  if (count > 0 && size < kEventSize) {
    return absl::InvalidArgumentError("phy event descriptors are too short");
  }
  if (absl::Status s =
          CheckSmpResponse(SmpFunction::kReportPhyEvent, frame, kEventHeader + count * size);
      !s.ok()) {
    return s;
  }
  ReportPhyEventResponse response;
  response.change_count = LoadBe16(frame, 4);
  response.phy = PhyId(frame[9]);
  response.events.resize(count);
  for (size_t i = 0; i < count; ++i) {
    EventLayout(BeLoader(frame.subspan(kEventHeader + i * size)), response.events[i]);
  }
  return response;
}
Bytes EncodeReportPhyEventResponse(const ReportPhyEventResponse& response) {
  constexpr size_t kMost = (kMaxSmpResponse - kEventHeader) / kEventSize;
  const size_t count = std::min(response.events.size(), kMost);
  Bytes frame = NewSmpResponse(SmpFunction::kReportPhyEvent, kEventHeader + count * kEventSize);
  const MutableByteSpan out = absl::MakeSpan(frame);
  StoreBe16(out, 4, response.change_count);
  out[9] = response.phy.value();
  out[14] = kEventSize / 4;
  out[15] = static_cast<uint8_t>(count);
  for (size_t i = 0; i < count; ++i) {
    EventLayout(BeStorer(out.subspan(kEventHeader + i * kEventSize)), response.events[i]);
  }
  return frame;
}

}  // namespace sasd::mpi
