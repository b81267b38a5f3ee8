#include "driver/transport/pci_ioc/allowed_requests.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "driver/transport/smp_reports.h"
#include "driver/wire/mpi/constants.h"
#include "driver/wire/mpi/messages.h"

namespace sasd::pci_ioc {
namespace {

using mpi::ConfigAction;
using mpi::Function;
using mpi::TaskManagementType;
using transport::IocRequest;

constexpr size_t kBareSize = 0x0C;  // a request without fields of its own
constexpr uint8_t kServiceActionIn16 = 0x9E, kReadCapacity16 = 0x10;

absl::Status Refuse(absl::string_view what, absl::string_view why) {
  return absl::PermissionDeniedError(absl::StrCat(what, " is not sent: ", why));
}

absl::Status Malformed(Function function, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(mpi::ToString(function), ": ", why));
}

// A frame that encodes again to the same bytes has no field that is unknown here: no chain, no
// immediate data, no address of memory.
template <typename Decode, typename Encode>
auto DecodeWhole(Function function, ByteSpan frame, Decode decode, Encode encode)
    -> decltype(decode(frame)) {
  auto request = decode(frame);
  if (!request.ok()) return request;
  const Bytes again = encode(*request);
  if (frame.size() != again.size()) {
    return Malformed(function,
                     absl::StrCat("a frame of ", frame.size(), " bytes, not ", again.size()));
  }
  if (!std::equal(again.begin(), again.end(), frame.begin())) {
    return Malformed(function, "the frame has fields that are not known here");
  }
  return request;
}

absl::Status CheckNoData(Function function, const IocRequest& request) {
  if (request.data_out.empty() && request.data_in.empty()) return absl::OkStatus();
  return Malformed(function, "it has no data");
}

absl::Status CheckBare(Function function, const IocRequest& request) {
  if (request.frame.size() != kBareSize) {
    return Malformed(function, absl::StrCat("a frame of ", request.frame.size(), " bytes"));
  }
  return CheckNoData(function, request);
}

absl::Status CheckConfig(const IocRequest& request) {
  const auto config = DecodeWhole(Function::kConfig, request.frame, mpi::DecodeConfigRequest,
                                  mpi::EncodeConfigRequest);
  if (!config.ok()) return config.status();
  switch (config->action) {
    case ConfigAction::kPageHeader:
      return CheckNoData(Function::kConfig, request);
    case ConfigAction::kReadCurrent:
    case ConfigAction::kReadDefault:
    case ConfigAction::kReadNvram:
      break;
    default:
      return Refuse(absl::StrCat("config, action ", mpi::ToString(config->action)),
                    "only reading headers and pages is allowed");
  }
  if (!request.data_out.empty()) return Refuse("config with data out", "only pages are read");
  return absl::OkStatus();
}

absl::Status CheckSmp(const IocRequest& request) {
  const auto smp = DecodeWhole(Function::kSmpPassthrough, request.frame,
                               mpi::DecodeSmpPassthroughRequest, mpi::EncodeSmpPassthroughRequest);
  if (!smp.ok()) return smp.status();
  if (request.data_out.size() < 4 || request.data_out.size() != smp->request_size ||
      request.data_in.empty()) {
    return Malformed(Function::kSmpPassthrough,
                     absl::StrCat(request.data_out.size(), " bytes of SMP frame and ",
                                  request.data_in.size(), " for the response"));
  }
  const uint8_t function = Load8(request.data_out, 0x01);
  if (transport::IsSmpReport(function)) return absl::OkStatus();
  return Refuse(absl::StrFormat("SMP function 0x%02x", function),
                "only REPORT and DISCOVER functions are sent");
}

bool OnlyReadsState(const std::array<uint8_t, 32>& cdb) {
  switch (cdb[0]) {
    case 0x00:  // TEST UNIT READY
    case 0x03:  // REQUEST SENSE
    case 0x12:  // INQUIRY
    case 0x1A:  // MODE SENSE(6)
    case 0x1C:  // RECEIVE DIAGNOSTIC RESULTS
    case 0x25:  // READ CAPACITY(10)
    case 0x4D:  // LOG SENSE
    case 0x5A:  // MODE SENSE(10)
    case 0xA0:  // REPORT LUNS
      return true;
    case kServiceActionIn16:
      return (cdb[1] & 0x1F) == kReadCapacity16;
    default:
      return false;
  }
}

absl::Status CheckScsiIo(const IocRequest& request) {
  const auto scsi = DecodeWhole(Function::kScsiIo, request.frame, mpi::DecodeScsiIoRequest,
                                mpi::EncodeScsiIoRequest);
  if (!scsi.ok()) return scsi.status();
  if (!OnlyReadsState(scsi->cdb)) {
    return Refuse(absl::StrFormat("SCSI command 0x%02x", scsi->cdb[0]),
                  "only commands that read a unit's identity and state are sent");
  }
  const bool reads = scsi->direction == mpi::DataDirection::kRead;
  if (scsi->direction == mpi::DataDirection::kWrite || !request.data_out.empty() ||
      scsi->data_size != request.data_in.size() || reads == request.data_in.empty()) {
    return Malformed(Function::kScsiIo, absl::StrCat("data of ", scsi->data_size, " bytes, with ",
                                                     request.data_out.size(), " out and ",
                                                     request.data_in.size(), " in"));
  }
  return absl::OkStatus();
}

absl::Status CheckTaskManagement(const IocRequest& request) {
  const auto task = DecodeWhole(Function::kTaskManagement, request.frame,
                                mpi::DecodeTaskManagementRequest, mpi::EncodeTaskManagementRequest);
  if (!task.ok()) return task.status();
  switch (task->type) {
    case TaskManagementType::kTargetReset:
    case TaskManagementType::kLogicalUnitReset:
    case TaskManagementType::kQueryTask:
    case TaskManagementType::kQueryTaskSet:
    case TaskManagementType::kQueryAsyncEvent:
      return CheckNoData(Function::kTaskManagement, request);
    default:
      return Refuse(absl::StrCat("task management, ", mpi::ToString(task->type)),
                    "the IOC has no tasks of this driver to abort");
  }
}

absl::Status CheckSasControl(const IocRequest& request) {
  const auto control = DecodeWhole(Function::kSasIoUnitControl, request.frame,
                                   mpi::DecodeSasControlRequest, mpi::EncodeSasControlRequest);
  if (!control.ok()) return control.status();
  if (control->operation != mpi::SasControlOp::kRemoveDevice) {
    return Refuse(absl::StrCat("SAS IO unit control, ", mpi::ToString(control->operation)),
                  "only a device that has gone is removed");
  }
  return CheckNoData(Function::kSasIoUnitControl, request);
}

template <typename Decode, typename Encode>
absl::Status CheckPlain(Function function, const IocRequest& request, Decode decode,
                        Encode encode) {
  if (absl::Status s = DecodeWhole(function, request.frame, decode, encode).status(); !s.ok()) {
    return s;
  }
  return CheckNoData(function, request);
}

// Its addresses are the transport's: a caller's are refused with the other unknown fields.
absl::Status CheckInit(const IocRequest& request) {
  const auto init = DecodeWhole(Function::kIocInit, request.frame, mpi::DecodeIocInitRequest,
                                mpi::EncodeIocInitRequest);
  if (!init.ok()) return init.status();
  if (init->request_frame_base != 0 || init->reply_post_queue_address != 0 ||
      init->reply_free_queue_address != 0 || init->message_flags != 0) {
    return Malformed(Function::kIocInit, "the queues are the transport's");
  }
  return CheckNoData(Function::kIocInit, request);
}

absl::StatusOr<RequestPath> On(RequestPath path, const absl::Status& allowed) {
  if (!allowed.ok()) return allowed;
  return path;
}

}  // namespace

// The list. All other requests are refused.
absl::StatusOr<RequestPath> CheckAllowed(const IocRequest& request) {
  const auto decoded = mpi::DecodeFunction(request.frame);
  if (!decoded.ok()) return decoded.status();
  const Function function = *decoded;
  switch (function) {
    case Function::kIocFacts:
    case Function::kPortFacts:
    case Function::kMessageUnitReset:
      return On(RequestPath::kDoorbell, CheckBare(function, request));
    case Function::kIocInit:
      return On(RequestPath::kDoorbell, CheckInit(request));
    case Function::kPortEnable:
      return On(RequestPath::kPosted, CheckBare(function, request));
    case Function::kEventNotification:
      return On(RequestPath::kPosted,
                CheckPlain(function, request, mpi::DecodeEventNotificationRequest,
                           mpi::EncodeEventNotificationRequest));
    case Function::kEventAck:
      return On(RequestPath::kPosted, CheckPlain(function, request, mpi::DecodeEventAckRequest,
                                                 mpi::EncodeEventAckRequest));
    case Function::kConfig:
      return On(RequestPath::kPosted, CheckConfig(request));
    case Function::kSmpPassthrough:
      return On(RequestPath::kPosted, CheckSmp(request));
    case Function::kScsiIo:
      return On(RequestPath::kScsiIo, CheckScsiIo(request));
    case Function::kTaskManagement:
      return On(RequestPath::kHighPriority, CheckTaskManagement(request));
    case Function::kSasIoUnitControl:
      return On(RequestPath::kPosted, CheckSasControl(request));
    default:
      return Refuse(mpi::ToString(function), "it is not on the list of what this driver needs");
  }
}

uint8_t CdbLength(uint8_t operation_code) {
  switch (operation_code >> 5) {
    case 0:
      return 6;
    case 1:
    case 2:
      return 10;
    case 4:
      return 16;
    case 5:
      return 12;
    default:
      return 0;
  }
}

}  // namespace sasd::pci_ioc
