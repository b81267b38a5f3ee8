#include "emulator/pci/request_data.h"

#include <algorithm>
#include <utility>

#include "driver/wire/mpi/messages.h"

namespace sasd::emulator::pci {
namespace {

using mpi::Function;

constexpr size_t kFirmwareUploadSglOffset = 0x20;  // mpi2_ioc.h, MPI25_FW_UPLOAD_REQUEST

// Cuts the list after `size` bytes.
void Truncate(std::vector<DmaSegment>& segments, uint64_t size) {
  size_t i = 0;
  while (i < segments.size() && segments[i].size <= size) size -= segments[i++].size;
  if (i < segments.size() && size > 0) segments[i++].size = static_cast<uint32_t>(size);
  segments.resize(i);
}

// IEEE elements have no direction. The elements that hold the first `size` bytes go out whole:
// mpt3sas gives 12 bytes for its PHY CONTROL request of 40 (mpt3sas_transport.c,
// _transport_expander_phy_control), and the hardware accepts it.
void SplitBySize(std::vector<DmaSegment> segments, uint64_t size, RequestData& data) {
  uint64_t at = 0;
  for (const DmaSegment& segment : segments) {
    (at < size ? data.out : data.in).push_back(segment);
    at += segment.size;
  }
}

void SplitByFlags(std::vector<DmaSegment> segments, RequestData& data) {
  for (const DmaSegment& segment : segments) {
    (segment.to_device ? data.out : data.in).push_back(segment);
  }
}

absl::StatusOr<RequestData> ScsiIoData(ByteSpan frame, bool ieee, DmaMemory& memory) {
  const auto request = mpi::DecodeScsiIoRequest(frame);
  if (!request.ok()) return request.status();
  RequestData data;
  data.message_size = mpi::ScsiIoRequest::kSglOffset;
  if (request->direction == mpi::DataDirection::kNone || request->data_size == 0) return data;
  auto segments =
      WalkSgl(ieee ? SglFormat::kIeee : SglFormat::kMpi, frame.subspan(data.message_size), memory);
  if (!segments.ok()) return segments.status();
  Truncate(*segments, request->data_size);
  (request->direction == mpi::DataDirection::kWrite ? data.out : data.in) = *std::move(segments);
  return data;
}

absl::StatusOr<RequestData> SmpData(ByteSpan frame, bool ieee, DmaMemory& memory) {
  const auto request = mpi::DecodeSmpPassthroughRequest(frame);
  if (!request.ok()) return request.status();
  RequestData data;
  data.message_size = mpi::SmpPassthroughRequest::kSglOffset;
  auto segments =
      WalkSgl(ieee ? SglFormat::kIeee : SglFormat::kMpi, frame.subspan(data.message_size), memory);
  if (!segments.ok()) return segments.status();
  if (ieee) {
    SplitBySize(*std::move(segments), request->request_size, data);
  } else {
    SplitByFlags(*std::move(segments), data);
  }
  return data;
}

absl::StatusOr<RequestData> ConfigData(ByteSpan frame, DmaMemory& memory) {
  const auto request = mpi::DecodeConfigRequest(frame);
  if (!request.ok()) return request.status();
  RequestData data;
  data.message_size = mpi::ConfigRequest::kSglOffset;
  if (request->action == mpi::ConfigAction::kPageHeader) return data;
  auto segments = WalkSgl(SglFormat::kMpi, frame.subspan(data.message_size), memory);
  if (!segments.ok()) return segments.status();
  SplitByFlags(*std::move(segments), data);
  return data;
}

absl::StatusOr<RequestData> FirmwareUploadData(ByteSpan frame, DmaMemory& memory) {
  if (frame.size() < kFirmwareUploadSglOffset) {
    return absl::InvalidArgumentError("firmware upload request: too short");
  }
  RequestData data;
  data.message_size = kFirmwareUploadSglOffset;
  auto segments = WalkSgl(SglFormat::kIeee, frame.subspan(data.message_size), memory);
  if (!segments.ok()) return segments.status();
  data.in = *std::move(segments);
  return data;
}

}  // namespace

absl::StatusOr<RequestData> FindRequestData(ByteSpan frame, bool ieee, DmaMemory& memory) {
  const auto function = mpi::DecodeFunction(frame);
  if (!function.ok()) return function.status();
  switch (*function) {
    case Function::kScsiIo:
      return ScsiIoData(frame, ieee, memory);
    case Function::kSmpPassthrough:
      return SmpData(frame, ieee, memory);
    case Function::kConfig:
      return ConfigData(frame, memory);
    case Function::kFirmwareUpload:
      if (ieee) return FirmwareUploadData(frame, memory);
      break;
    default:
      break;
  }
  RequestData data;
  data.message_size = frame.size();
  return data;
}

// mpi2_init.h, MPI2_SCSI_IO_REQUEST.
absl::StatusOr<SenseBuffer> FindSenseBuffer(ByteSpan scsi_io) {
  const auto request = mpi::DecodeScsiIoRequest(scsi_io);
  if (!request.ok()) return request.status();
  return SenseBuffer{LoadLe32(scsi_io, 0x0C), request->sense_size};
}

}  // namespace sasd::emulator::pci
