#include "driver/discovery/scsi_probe.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "driver/wire/mpi/constants.h"

namespace sasd::discovery {
namespace {

constexpr int kUnitAttentions = 3;
constexpr uint16_t kVpdSize = 252;
constexpr uint32_t kReportLunsSize = 8 + 8 * 64;
constexpr uint8_t kSenseSize = 96;
constexpr uint8_t kNotReady = 2, kIllegalRequest = 5, kUnitAttention = 6;
constexpr uint8_t kDisk = 0x00;

// The outcome of a command from the IOC's reply and the device's status. kFailedPrecondition: a
// unit attention. kOutOfRange: the device is there, but not ready.
absl::Status CheckScsi(const mpi::ScsiIoReply& reply, ByteSpan sense_bytes) {
  switch (reply.header.status) {
    case mpi::IocStatus::kSuccess:
    case mpi::IocStatus::kScsiRecoveredError:
    case mpi::IocStatus::kScsiDataUnderrun:
      break;
    case mpi::IocStatus::kBusy:
    case mpi::IocStatus::kInsufficientResources:
    case mpi::IocStatus::kScsiDeviceNotThere:    // its removal follows, or it returns
    case mpi::IocStatus::kScsiInvalidDevHandle:  // the same, and the handle is given back
    case mpi::IocStatus::kScsiIocTerminated:
    case mpi::IocStatus::kScsiExtTerminated:
      return absl::UnavailableError(mpi::ToString(reply.header.status));
    default:
      return absl::InternalError(absl::StrFormat(
          "%s, log info 0x%08x", mpi::ToString(reply.header.status), reply.header.log_info));
  }
  if (reply.scsi_status == mpi::scsi_status::kGood) return absl::OkStatus();
  if (reply.scsi_status == mpi::scsi_status::kBusy ||
      reply.scsi_status == mpi::scsi_status::kTaskSetFull) {
    return absl::UnavailableError("busy");
  }
  const auto sense = mpi::DecodeSense(sense_bytes);
  if (reply.scsi_status != mpi::scsi_status::kCheckCondition || !sense.ok()) {
    return absl::InternalError(absl::StrFormat("SCSI status 0x%02x", reply.scsi_status));
  }
  const std::string text = mpi::ToString(*sense);
  if (sense->key == kUnitAttention) return absl::FailedPreconditionError(text);
  if (sense->key == kNotReady) return absl::OutOfRangeError(text);
  if (sense->key == kIllegalRequest) return absl::UnimplementedError(text);
  return absl::InternalError(text);
}

// The host's errors, as ScsiProbe documents them.
absl::Status FromTransport(const absl::Status& status) {
  if (absl::IsUnavailable(status) || absl::IsCancelled(status) ||
      absl::IsFailedPrecondition(status)) {
    return absl::AbortedError(status.message());
  }
  return status;
}

// Not the unit's answer: further commands are useless.
bool IsEnd(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsOutOfRange(status) || absl::IsAborted(status) ||
         absl::IsResourceExhausted(status);
}

}  // namespace

absl::StatusOr<Bytes> ScsiProbe::CommandOnce(DevHandle handle, uint64_t lun, const mpi::Cdb& cdb,
                                             uint32_t size) {
  mpi::ScsiIoRequest scsi;
  scsi.handle = handle;
  scsi.lun = lun;
  scsi.cdb = cdb;
  scsi.data_size = size;
  scsi.sense_size = kSenseSize;
  scsi.direction = size == 0 ? mpi::DataDirection::kNone : mpi::DataDirection::kRead;
  const Bytes frame = mpi::EncodeScsiIoRequest(scsi);
  Bytes data(size);
  transport::IocRequest request;
  request.frame = frame;
  request.data_in = absl::MakeSpan(data);
  const absl::StatusOr<transport::IocReply> reply = ioc_.Execute(request);
  if (sender_.queued() > 0) sender_.Pump();
  if (!reply.ok()) return FromTransport(reply.status());
  const auto decoded = mpi::DecodeScsiIoReply(reply->frame);
  // A command that simply succeeded may come without a SCSI IO reply of its own.
  mpi::ScsiIoReply io;
  if (decoded.ok()) {
    io = *decoded;
  } else {
    const auto header = mpi::DecodeReplyHeader(reply->frame);
    if (!header.ok()) return header.status();
    io.header = *header;
  }
  if (absl::Status status = CheckScsi(io, reply->sense); !status.ok()) return status;
  data.resize(std::min(data.size(), reply->data_in_size));
  return data;
}

absl::StatusOr<Bytes> ScsiProbe::Command(DevHandle handle, uint64_t lun, const mpi::Cdb& cdb,
                                         uint32_t size) {
  absl::StatusOr<Bytes> data;
  for (int attempt = 0; attempt <= kUnitAttentions; ++attempt) {
    data = CommandOnce(handle, lun, cdb, size);
    if (!absl::IsFailedPrecondition(data.status())) return data;
  }
  return absl::UnavailableError(data.status().message());
}

absl::StatusOr<std::vector<uint64_t>> ScsiProbe::Luns(DevHandle handle) {
  const auto data = Command(handle, 0, mpi::ReportLunsCdb(kReportLunsSize), kReportLunsSize);
  if (IsEnd(data.status())) return data.status();
  if (!data.ok()) return std::vector<uint64_t>{0};
  const auto luns = mpi::DecodeReportLuns(*data);
  if (!luns.ok() || luns->empty()) return std::vector<uint64_t>{0};
  return luns;
}

// Reads the identity of the unit; a missing page leaves its field empty.
absl::Status ScsiProbe::Identify(DevHandle handle, LogicalUnitFacts& unit) {
  const auto identification = Command(handle, unit.lun, mpi::VpdCdb(0x83, kVpdSize), kVpdSize);
  if (IsEnd(identification.status())) return identification.status();
  if (identification.ok()) {
    const auto designators = mpi::DecodeDeviceIdentification(*identification);
    if (designators.ok()) {
      unit.wwid = mpi::WorldWideId(*designators);
      unit.rejected_wwid = mpi::RejectedId(*designators);
    }
  }
  const auto serial = Command(handle, unit.lun, mpi::VpdCdb(0x80, kVpdSize), kVpdSize);
  if (IsEnd(serial.status())) return serial.status();
  if (serial.ok()) {
    const auto text = mpi::DecodeUnitSerialNumber(*serial);
    if (text.ok()) unit.serial = *text;
  }
  if (unit.wwid.empty() && mpi::IsUnitSerial(unit.serial)) unit.wwid = "serial." + unit.serial;
  return absl::OkStatus();
}

absl::StatusOr<LogicalUnitFacts> ScsiProbe::ProbeUnit(DevHandle handle, uint64_t lun) {
  constexpr uint16_t kInquirySize = mpi::InquiryData::kSize;
  const auto data = Command(handle, lun, mpi::InquiryCdb(kInquirySize), kInquirySize);
  if (!data.ok()) return data.status();
  const auto inquiry = mpi::DecodeInquiryData(*data);
  if (!inquiry.ok()) return absl::InternalError(inquiry.status().message());
  LogicalUnitFacts unit;
  unit.lun = lun;
  unit.peripheral_type = inquiry->peripheral_type;
  unit.vendor = inquiry->vendor;
  unit.model = inquiry->product;
  unit.revision = inquiry->revision;
  if (absl::Status status = Identify(handle, unit); !status.ok()) return status;
  if (unit.peripheral_type != kDisk) return unit;
  constexpr uint32_t kCapacitySize = mpi::Capacity::kSize;
  const auto read = Command(handle, lun, mpi::ReadCapacity16Cdb(kCapacitySize), kCapacitySize);
  // A unit that is not ready has no capacity to report. One that is not there is asked for
  // everything again.
  if (IsEnd(read.status()) && !absl::IsOutOfRange(read.status())) return read.status();
  if (read.ok()) {
    const auto capacity = mpi::DecodeCapacity16(*read);
    if (capacity.ok()) unit.size_bytes = capacity->bytes();
  }
  return unit;
}

absl::StatusOr<std::vector<LogicalUnitFacts>> ScsiProbe::Probe(DevHandle handle) {
  const auto luns = Luns(handle);
  if (absl::IsOutOfRange(luns.status())) return absl::UnavailableError(luns.status().message());
  if (!luns.ok()) return luns.status();
  std::vector<LogicalUnitFacts> units;
  for (const uint64_t lun : *luns) {
    absl::StatusOr<LogicalUnitFacts> unit = ProbeUnit(handle, lun);
    if (!unit.ok()) {
      const bool not_ready = absl::IsOutOfRange(unit.status());
      return absl::Status(not_ready ? absl::StatusCode::kUnavailable : unit.status().code(),
                          absl::StrCat("LUN ", lun, ": ", unit.status().message()));
    }
    units.push_back(*std::move(unit));
  }
  return units;
}

}  // namespace sasd::discovery
