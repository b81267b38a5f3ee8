#include "driver/wire/smp/smp_route.h"

#include <algorithm>

#include "driver/wire/layout.h"
#include "driver/wire/smp/smp.h"

namespace sasd::mpi {
namespace {

// SPL-4, REPORT ROUTE INFORMATION response.
constexpr uint8_t kDisabled = 0x80;
template <typename Io, typename M>
void RouteLayout(const Io& io, M& m) {
  io(4, m.change_count);
  io(6, m.index);
  io(9, m.phy);
  io(16, m.routed_address);
}

// SPL-4, REPORT EXPANDER ROUTE TABLE LIST response.
using Table = ReportExpanderRouteTableListResponse;
template <typename Io, typename M>
void TableLayout(const Io& io, M& m) {
  io(4, m.change_count);
  io(6, m.table_change_count);
  io(8, m.flags);
  io(12, m.first_index);
  io(14, m.last_index);
  io(19, m.first_phy);
}

}  // namespace

absl::StatusOr<ReportRouteInformationResponse> DecodeReportRouteInformationResponse(
    ByteSpan frame) {
  if (absl::Status s = CheckSmpResponse(SmpFunction::kReportRouteInformation, frame,
                                        ReportRouteInformationResponse::kSize);
      !s.ok()) {
    return s;
  }
  ReportRouteInformationResponse response;
  RouteLayout(BeLoader(frame), response);
  response.disabled = (frame[12] & kDisabled) != 0;
  return response;
}
Bytes EncodeReportRouteInformationResponse(const ReportRouteInformationResponse& response) {
  Bytes frame =
      NewSmpResponse(SmpFunction::kReportRouteInformation, ReportRouteInformationResponse::kSize);
  RouteLayout(BeStorer(absl::MakeSpan(frame)), response);
  if (response.disabled) frame[12] = kDisabled;
  return frame;
}

absl::StatusOr<Table> DecodeReportExpanderRouteTableListResponse(ByteSpan frame) {
  constexpr auto kFunction = SmpFunction::kReportExpanderRouteTableList;
  if (absl::Status s = CheckSmpResponse(kFunction, frame, Table::kHeaderSize); !s.ok()) return s;
  const size_t size = 4 * frame[10], count = frame[11];
  if (count > 0 && size < Table::kRouteSize) {
    return absl::InvalidArgumentError("route descriptors are too short");
  }
  if (absl::Status s = CheckSmpResponse(kFunction, frame, Table::kHeaderSize + count * size);
      !s.ok()) {
    return s;
  }
  Table response;
  TableLayout(BeLoader(frame), response);
  for (size_t at = Table::kHeaderSize; response.routes.size() < count; at += size) {
    const uint64_t phys =
        static_cast<uint64_t>(LoadBe16(frame, at + 8)) << 32 | LoadBe32(frame, at + 10);
    response.routes.push_back({SasAddress(LoadBe64(frame, at)), phys, frame[at + 15]});
  }
  return response;
}
Bytes EncodeReportExpanderRouteTableListResponse(const Table& response) {
  constexpr size_t kMost = (kMaxSmpResponse - Table::kHeaderSize) / Table::kRouteSize;
  const size_t count = std::min(response.routes.size(), kMost);
  Bytes frame = NewSmpResponse(SmpFunction::kReportExpanderRouteTableList,
                               Table::kHeaderSize + count * Table::kRouteSize);
  const MutableByteSpan out = absl::MakeSpan(frame);
  TableLayout(BeStorer(out), response);
  out[10] = Table::kRouteSize / 4;
  out[11] = static_cast<uint8_t>(count);
  for (size_t i = 0; i < count; ++i) {
    const Table::Route& route = response.routes[i];
    const MutableByteSpan at = out.subspan(Table::kHeaderSize + i * Table::kRouteSize);
    StoreBe64(at, 0, route.address.value());
    StoreBe16(at, 8, static_cast<uint16_t>(route.phys >> 32));
    StoreBe32(at, 10, static_cast<uint32_t>(route.phys));
    at[15] = route.zone_group;
  }
  return frame;
}

}  // namespace sasd::mpi
