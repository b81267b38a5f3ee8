#include "driver/discovery/page_reader.h"

#include <utility>

#include "absl/strings/str_format.h"
#include "driver/wire/smp/smp.h"

namespace sasd::discovery {
namespace {

std::string Name(const mpi::PageHeader& page, uint32_t address) {
  return absl::StrFormat("page 0x%02x/%d at 0x%08x", static_cast<int>(page.ext_type), page.number,
                         address);
}

absl::Status CheckReply(const mpi::ReplyHeader& reply) {
  if (reply.status == mpi::IocStatus::kSuccess) return absl::OkStatus();
  const std::string text =
      absl::StrFormat("%s (0x%04x), log info 0x%08x", mpi::ToString(reply.status),
                      static_cast<int>(reply.status), reply.log_info);
  return reply.status == mpi::IocStatus::kConfigInvalidPage ? absl::NotFoundError(text)
                                                            : absl::InternalError(text);
}

// Errors for which another attempt is useless.
bool IsFinal(const absl::Status& status) {
  return status.ok() || absl::IsNotFound(status) || IsHostLost(status);
}

absl::Status Annotate(const absl::Status& status, const std::string& name) {
  return absl::Status(status.code(), name + ": " + std::string(status.message()));
}

}  // namespace

bool IsHostLost(const absl::Status& status) {
  return absl::IsAborted(status) || absl::IsUnavailable(status) ||
         absl::IsFailedPrecondition(status) || absl::IsCancelled(status);
}

absl::StatusOr<transport::IocReply> PageReader::Execute(const transport::IocRequest& request) {
  absl::StatusOr<transport::IocReply> reply = ioc_.Execute(request);
  if (sender_.queued() > 0) sender_.Pump();
  return reply;
}

absl::StatusOr<size_t> PageReader::ReadOnce(const mpi::PageHeader& header, uint32_t address,
                                            MutableByteSpan buffer) {
  mpi::ConfigRequest config;
  config.action = buffer.empty() ? mpi::ConfigAction::kPageHeader : mpi::ConfigAction::kReadCurrent;
  config.page = header;
  config.address = address;
  const Bytes frame = mpi::EncodeConfigRequest(config);
  transport::IocRequest request;
  request.frame = frame;
  request.data_in = buffer;
  const absl::StatusOr<transport::IocReply> reply = Execute(request);
  if (!reply.ok()) return reply.status();
  const auto decoded = mpi::DecodeConfigReply(reply->frame);
  if (!decoded.ok()) return decoded.status();
  if (absl::Status status = CheckReply(decoded->header); !status.ok()) return status;
  // Both actions return the header.
  return buffer.empty() ? decoded->page.dwords : reply->data_in_size;
}

absl::StatusOr<mpi::PageHeader> PageReader::Header(const mpi::PageHeader& page) {
  const std::pair<uint8_t, uint8_t> key(static_cast<uint8_t>(page.ext_type), page.number);
  {
    absl::MutexLock lock(&mu_);
    const auto it = headers_.find(key);
    if (it != headers_.end()) return it->second;
  }
  const absl::StatusOr<size_t> dwords = ReadOnce(page, 0, {});
  if (!dwords.ok()) return dwords.status();
  mpi::PageHeader header = page;
  header.dwords = static_cast<uint16_t>(*dwords);
  absl::MutexLock lock(&mu_);
  headers_[key] = header;
  return header;
}

absl::StatusOr<Bytes> PageReader::ReadBytes(const mpi::PageHeader& page, uint32_t address) {
  absl::Status error;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const absl::StatusOr<mpi::PageHeader> header = Header(page);
    if (header.ok()) {
      Bytes bytes(static_cast<size_t>(header->dwords) * 4);
      const absl::StatusOr<size_t> size = ReadOnce(*header, address, absl::MakeSpan(bytes));
      if (size.ok()) {
        bytes.resize(std::min(bytes.size(), *size));
        return bytes;
      }
      error = size.status();
    } else {
      error = header.status();
    }
    if (IsFinal(error)) break;
  }
  return Annotate(error, Name(page, address));
}

absl::StatusOr<mpi::ReportManufacturerResponse> PageReader::ReportManufacturer(SasAddress expander,
                                                                               PhysicalPort port) {
  mpi::SmpRequest smp;
  smp.function = mpi::SmpFunction::kReportManufacturer;
  const Bytes smp_frame = mpi::EncodeSmpRequest(smp);
  mpi::SmpPassthroughRequest passthrough;
  passthrough.port = port;
  passthrough.request_size = static_cast<uint16_t>(smp_frame.size());
  passthrough.address = expander;
  const Bytes frame = mpi::EncodeSmpPassthroughRequest(passthrough);
  absl::Status error;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Bytes response(mpi::ReportManufacturerResponse::kSize);
    transport::IocRequest request;
    request.frame = frame;
    request.data_out = smp_frame;
    request.data_in = absl::MakeSpan(response);
    const absl::StatusOr<transport::IocReply> reply = Execute(request);
    if (reply.ok()) {
      const auto decoded = mpi::DecodeSmpPassthroughReply(reply->frame);
      error = decoded.ok() ? CheckReply(decoded->header) : decoded.status();
      if (error.ok()) {
        response.resize(std::min(response.size(), reply->data_in_size));
        auto manufacturer = mpi::DecodeReportManufacturerResponse(response);
        // An expander that refuses does not mean that the host is lost.
        if (manufacturer.ok()) return manufacturer;
        return absl::NotFoundError(manufacturer.status().message());
      }
    } else {
      error = reply.status();
    }
    if (IsFinal(error)) break;
  }
  return Annotate(error, "REPORT MANUFACTURER INFORMATION of expander " + ToHex(expander));
}

}  // namespace sasd::discovery
