#include "driver/mpi/describe.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "driver/mpi/events.h"
#include "driver/mpi/messages.h"
#include "driver/mpi/scsi.h"

namespace sasd::mpi {
namespace {

std::string PageName(const PageHeader& page) {
  return absl::StrCat(page.extended() ? ToString(page.ext_type) : ToString(page.type), " page ",
                      page.number);
}

std::string Handle(DevHandle handle) { return absl::StrFormat("handle 0x%04x", handle.value()); }

std::string Describe(const EventNotificationRequest& r) {
  return absl::StrFormat("masks %08x %08x %08x %08x", r.masks[0], r.masks[1], r.masks[2],
                         r.masks[3]);
}

std::string Describe(const EventAckRequest& r) {
  return absl::StrFormat("%s context 0x%08x", ToString(static_cast<EventCode>(r.event)), r.context);
}

std::string Describe(const ConfigRequest& r) {
  return absl::StrFormat("%s %s address 0x%08x", ToString(r.action), PageName(r.page), r.address);
}

std::string Describe(const TaskManagementRequest& r) {
  return absl::StrCat(ToString(r.type), " ", Handle(r.handle));
}

std::string Describe(const SasControlRequest& r) {
  return absl::StrFormat("%s %s phy %u", ToString(r.operation), Handle(r.handle), r.phy.value());
}

std::string Describe(const SmpPassthroughRequest& r) {
  return absl::StrFormat("to %s port %u, %u bytes", ToHex(r.address), r.port.value(),
                         r.request_size);
}

std::string Describe(const ScsiIoRequest& r) {
  return absl::StrFormat("%s lun %016x operation %02xh, %u bytes", Handle(r.handle), r.lun,
                         r.cdb[0], r.data_size);
}

std::string Describe(const ConfigReply& r) {
  return absl::StrFormat("%s %s, %u dwords", ToString(r.action), PageName(r.page), r.page.dwords);
}

std::string Describe(const IocFactsReply& r) {
  return absl::StrFormat("firmware %s, %u request credits, device handles up to 0x%04x",
                         FirmwareVersionText(r.firmware_version), r.request_credit,
                         r.max_dev_handle);
}

std::string Describe(const TaskManagementReply& r) {
  return absl::StrCat(ToString(r.type), " ", Handle(r.handle), " ", ToString(r.response));
}

std::string Describe(const SasControlReply& r) {
  return absl::StrCat(ToString(r.operation), " ", Handle(r.handle));
}

std::string Describe(const SmpPassthroughReply& r) {
  return absl::StrCat(SasStatusText(r.sas_status), ", ", r.response_size, " bytes");
}

std::string Describe(const ScsiIoReply& r) {
  return absl::StrFormat("%s %s, state 0x%02x, %u bytes", Handle(r.handle),
                         ScsiStatusText(r.scsi_status), r.scsi_state, r.transfer_count);
}

std::string Describe(const EventNotificationReply& r) {
  const absl::StatusOr<EventData> event = DecodeEvent(r.event, r.data);
  return event.ok() ? ToString(*event) : std::string(event.status().message());
}

// " ..." about a message that could be decoded, the reason where it could not.
template <typename Message>
std::string Detail(absl::string_view separator, const absl::StatusOr<Message>& message) {
  if (!message.ok()) return absl::StrCat(": ", message.status().message());
  return absl::StrCat(separator, Describe(*message));
}

std::string RequestDetail(Function function, ByteSpan frame) {
  switch (function) {
    case Function::kEventNotification:
      return Detail(" ", DecodeEventNotificationRequest(frame));
    case Function::kEventAck:
      return Detail(" ", DecodeEventAckRequest(frame));
    case Function::kConfig:
      return Detail(" ", DecodeConfigRequest(frame));
    case Function::kTaskManagement:
      return Detail(" ", DecodeTaskManagementRequest(frame));
    case Function::kSasIoUnitControl:
      return Detail(" ", DecodeSasControlRequest(frame));
    case Function::kSmpPassthrough:
      return Detail(" ", DecodeSmpPassthroughRequest(frame));
    case Function::kScsiIo:
      return Detail(" ", DecodeScsiIoRequest(frame));
    default:
      return "";
  }
}

std::string ReplyDetail(Function function, ByteSpan frame) {
  switch (function) {
    case Function::kEventNotification:
      // A notification request's own reply may have no event.
      if (frame.size() < EventNotificationReply::kDataOffset) return "";
      return Detail(", ", DecodeEventNotificationReply(frame));
    case Function::kConfig:
      return Detail(", ", DecodeConfigReply(frame));
    case Function::kIocFacts:
      return Detail(", ", DecodeIocFactsReply(frame));
    case Function::kTaskManagement:
      return Detail(", ", DecodeTaskManagementReply(frame));
    case Function::kSasIoUnitControl:
      return Detail(", ", DecodeSasControlReply(frame));
    case Function::kSmpPassthrough:
      return Detail(", ", DecodeSmpPassthroughReply(frame));
    case Function::kScsiIo:
      return Detail(", ", DecodeScsiIoReply(frame));
    default:
      return "";
  }
}

}  // namespace

std::string DescribeRequest(ByteSpan frame) {
  const absl::StatusOr<Function> function = DecodeFunction(frame);
  if (!function.ok()) return std::string(function.status().message());
  return absl::StrCat(ToString(*function), RequestDetail(*function, frame));
}

std::string DescribeReply(ByteSpan frame) {
  const absl::StatusOr<ReplyHeader> header = DecodeReplyHeader(frame);
  if (!header.ok()) return std::string(header.status().message());
  std::string text = absl::StrCat(ToString(header->function), ": ", ToString(header->status));
  if (header->log_info != 0) absl::StrAppendFormat(&text, ", log info 0x%08x", header->log_info);
  return absl::StrCat(text, ReplyDetail(header->function, frame));
}

}  // namespace sasd::mpi
