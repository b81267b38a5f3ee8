#include "driver/wire/mpi/messages.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "driver/wire/layout.h"

namespace sasd::mpi {
namespace {

constexpr size_t kFunctionOffset = 0x03;

// The function is at the same place in requests and replies. A reply's length, in dwords, is at
// 0x02.
Bytes NewRequest(Function function, size_t size) {
  Bytes frame(size);
  Store8(absl::MakeSpan(frame), kFunctionOffset, static_cast<uint8_t>(function));
  return frame;
}

// mpi2.h, MPI2_DEFAULT_REPLY.
void StoreReplyHeader(const ReplyHeader& header, MutableByteSpan frame) {
  const Storer io(frame);
  io(0x02, static_cast<uint8_t>(std::min<size_t>(frame.size() / 4, 0xFF)));
  io(0x03, header.function);
  io(0x0E, static_cast<uint16_t>(static_cast<uint16_t>(header.status) |
                                 (header.log_info != 0 ? ~kIocStatusMask : 0)));
  io(0x10, header.log_info);
}

// mpi2_ioc.h, MPI2_IOC_INIT_REQUEST.
template <typename Io, typename M>
void IocInitLayout(const Io& io, M& m) {
  io(0x00, m.who_init);
  io(0x07, m.message_flags);
  io(0x0C, m.message_version);
  io(0x0E, m.header_version);
  io(0x14, m.configuration_flags);
  io(0x16, m.host_page_size);
  io(0x17, m.host_msix_vectors);
  io(0x1A, m.request_frame_dwords);
  io(0x1C, m.reply_post_queue_depth);
  io(0x1E, m.reply_free_queue_depth);
  io(0x20, m.sense_buffer_address_high);
  io(0x24, m.reply_address_high);
  io(0x28, m.request_frame_base);
  io(0x30, m.reply_post_queue_address);
  io(0x38, m.reply_free_queue_address);
  io(0x40, m.timestamp_ms);
}
void Layout(const Loader& io, IocInitRequest& m) { IocInitLayout(io, m); }
void Layout(const Storer& io, const IocInitRequest& m) { IocInitLayout(io, m); }

// mpi2_ioc.h, MPI2_IOC_FACTS_REPLY.
template <typename Io, typename M>
void IocFactsLayout(const Io& io, M& m) {
  io(0x00, m.message_version);
  io(0x04, m.header_version);
  io(0x06, m.ioc_number);
  io(0x0C, m.exceptions);
  io(0x14, m.max_chain_depth);
  io(0x15, m.who_init);
  io(0x16, m.port_count);
  io(0x17, m.max_msix_vectors);
  io(0x18, m.request_credit);
  io(0x1A, m.product_id);
  io(0x1C, m.capabilities);
  io(0x20, m.firmware_version);
  io(0x24, m.request_frame_dwords);
  io(0x26, m.max_chain_segment_size);
  io(0x28, m.max_initiators);
  io(0x2A, m.max_targets);
  io(0x2C, m.max_expanders);
  io(0x2E, m.max_enclosures);
  io(0x30, m.protocol_flags);
  io(0x32, m.high_priority_credit);
  io(0x34, m.max_reply_post_queue_depth);
  io(0x36, m.reply_frame_dwords);
  io(0x37, m.max_volumes);
  io(0x38, m.max_dev_handle);
  io(0x3A, m.max_persistent_entries);
  io(0x3C, m.min_dev_handle);
}
void Layout(const Loader& io, IocFactsReply& m) { IocFactsLayout(io, m); }
void Layout(const Storer& io, const IocFactsReply& m) { IocFactsLayout(io, m); }

// mpi2_ioc.h, MPI2_PORT_FACTS_REPLY.
template <typename Io, typename M>
void PortFactsLayout(const Io& io, M& m) {
  io(0x06, m.port);
  io(0x15, m.port_type);
  io(0x18, m.max_posted_command_buffers);
}
void Layout(const Loader& io, PortFactsReply& m) { PortFactsLayout(io, m); }
void Layout(const Storer& io, const PortFactsReply& m) { PortFactsLayout(io, m); }

// mpi2_ioc.h, MPI2_EVENT_NOTIFICATION_REQUEST.
template <typename Io, typename M>
void EventNotificationLayout(const Io& io, M& m) {
  for (size_t i = 0; i < m.masks.size(); ++i) io(0x14 + 4 * i, m.masks[i]);
  io(0x24, m.broadcast_primitive_masks);
  io(0x26, m.notify_primitive_masks);
}
void Layout(const Loader& io, EventNotificationRequest& m) { EventNotificationLayout(io, m); }
void Layout(const Storer& io, const EventNotificationRequest& m) { EventNotificationLayout(io, m); }

// mpi2_ioc.h, MPI2_EVENT_ACK_REQUEST.
template <typename Io, typename M>
void EventAckLayout(const Io& io, M& m) {
  io(0x0C, m.event);
  io(0x10, m.context);
}
void Layout(const Loader& io, EventAckRequest& m) { EventAckLayout(io, m); }
void Layout(const Storer& io, const EventAckRequest& m) { EventAckLayout(io, m); }

// The plain header at 0x14 and the extended fields at 0x04 and 0x06, which MPI2_CONFIG_REQUEST and
// MPI2_CONFIG_REPLY (mpi2_cnfg.h) have in common.
PageHeader LoadConfigHeader(ByteSpan frame) {
  PageHeader page;
  page.version = Load8(frame, 0x14);
  page.number = Load8(frame, 0x16);
  page.type = static_cast<PageType>(Load8(frame, 0x17) & kPageTypeMask);
  if (page.extended()) {
    page.dwords = LoadLe16(frame, 0x04);
    page.ext_type = static_cast<ExtPageType>(Load8(frame, 0x06));
  } else {
    page.dwords = Load8(frame, 0x15);
  }
  return page;
}

void StoreConfigHeader(const PageHeader& page, MutableByteSpan frame) {
  Store8(frame, 0x14, page.version);
  Store8(frame, 0x16, page.number);
  Store8(frame, 0x17, static_cast<uint8_t>(page.type));
  if (page.extended()) {
    StoreLe16(frame, 0x04, page.dwords);
    Store8(frame, 0x06, static_cast<uint8_t>(page.ext_type));
  } else {
    Store8(frame, 0x15, static_cast<uint8_t>(page.dwords));
  }
}

// mpi2_init.h, MPI2_SCSI_TASK_MANAGE_REQUEST.
template <typename Io, typename M>
void TaskManagementLayout(const Io& io, M& m) {
  io(0x00, m.handle);
  io(0x05, m.type);
  io(0x07, m.flags);
  io(0x30, m.task_mid);
}
void Layout(const Loader& io, TaskManagementRequest& m) { TaskManagementLayout(io, m); }
void Layout(const Storer& io, const TaskManagementRequest& m) { TaskManagementLayout(io, m); }

// mpi2_init.h, MPI2_SCSI_TASK_MANAGE_REPLY.
template <typename Io, typename M>
void TaskManagementReplyLayout(const Io& io, M& m) {
  io(0x00, m.handle);
  io(0x04, m.response);
  io(0x05, m.type);
  io(0x14, m.termination_count);
}
void Layout(const Loader& io, TaskManagementReply& m) { TaskManagementReplyLayout(io, m); }
void Layout(const Storer& io, const TaskManagementReply& m) { TaskManagementReplyLayout(io, m); }

// mpi2_sas.h, MPI2_SAS_IOUNIT_CONTROL_REQUEST.
template <typename Io, typename M>
void SasControlLayout(const Io& io, M& m) {
  io(0x00, m.operation);
  io(0x04, m.handle);
  io(0x0E, m.phy);
  io(0x0F, m.primitive_flags);
  io(0x10, m.primitive);
  io(0x14, m.lookup_method);
  io(0x16, m.slot);
  io(0x18, m.lookup_address);
}
void Layout(const Loader& io, SasControlRequest& m) { SasControlLayout(io, m); }
void Layout(const Storer& io, const SasControlRequest& m) { SasControlLayout(io, m); }

// mpi2_sas.h, MPI2_SAS_IOUNIT_CONTROL_REPLY.
template <typename Io, typename M>
void SasControlReplyLayout(const Io& io, M& m) {
  io(0x00, m.operation);
  io(0x04, m.handle);
}
void Layout(const Loader& io, SasControlReply& m) { SasControlReplyLayout(io, m); }
void Layout(const Storer& io, const SasControlReply& m) { SasControlReplyLayout(io, m); }

// mpi2_sas.h, MPI2_SMP_PASSTHROUGH_REQUEST.
template <typename Io, typename M>
void SmpPassthroughLayout(const Io& io, M& m) {
  io(0x01, m.port);
  io(0x04, m.request_size);
  io(0x10, m.address);
}
void Layout(const Loader& io, SmpPassthroughRequest& m) { SmpPassthroughLayout(io, m); }
void Layout(const Storer& io, const SmpPassthroughRequest& m) { SmpPassthroughLayout(io, m); }

// mpi2_sas.h, MPI2_SMP_PASSTHROUGH_REPLY.
template <typename Io, typename M>
void SmpPassthroughReplyLayout(const Io& io, M& m) {
  io(0x01, m.port);
  io(0x04, m.response_size);
  io(0x0D, m.sas_status);
}
void Layout(const Loader& io, SmpPassthroughReply& m) { SmpPassthroughReplyLayout(io, m); }
void Layout(const Storer& io, const SmpPassthroughReply& m) { SmpPassthroughReplyLayout(io, m); }

// mpi2_init.h, MPI2_SCSI_IO_REQUEST; the direction is in Control, bits 24 and 25.
constexpr int kDirectionShift = 24;
constexpr size_t kScsiSglOffset0 = 0x14;  // SGLOffset0: where the SGL starts, in dwords
constexpr size_t kScsiControlOffset = 0x3C, kScsiLunOffset = 0x34, kScsiCdbOffset = 0x40;
constexpr size_t kTaskManagementLunOffset = 0x0C;

template <typename Io, typename M>
void ScsiIoLayout(const Io& io, M& m) {
  io(0x00, m.handle);
  io(0x12, m.sense_size);
  io(0x1C, m.data_size);
  io(0x24, m.io_flags);
  for (size_t i = 0; i < m.cdb.size(); ++i) io(kScsiCdbOffset + i, m.cdb[i]);
}
void Layout(const Loader& io, ScsiIoRequest& m) { ScsiIoLayout(io, m); }
void Layout(const Storer& io, const ScsiIoRequest& m) { ScsiIoLayout(io, m); }

// mpi2_init.h, MPI2_SCSI_IO_REPLY.
template <typename Io, typename M>
void ScsiIoReplyLayout(const Io& io, M& m) {
  io(0x00, m.handle);
  io(0x0C, m.scsi_status);
  io(0x0D, m.scsi_state);
  io(0x14, m.transfer_count);
  io(0x18, m.sense_count);
}
void Layout(const Loader& io, ScsiIoReply& m) { ScsiIoReplyLayout(io, m); }
void Layout(const Storer& io, const ScsiIoReply& m) { ScsiIoReplyLayout(io, m); }

template <typename Message>
absl::StatusOr<Message> DecodeRequest(absl::string_view what, ByteSpan frame, size_t needed) {
  if (absl::Status s = CheckSize(what, frame, needed); !s.ok()) return s;
  Message message;
  Layout(Loader(frame), message);
  return message;
}

// Decoding reads `needed` bytes of a reply. MPI 2.0 replies are shorter than those of 2.6, and an
// IOC that has only a status sends a default reply.
template <typename Message>
absl::StatusOr<Message> DecodeReply(absl::string_view what, ByteSpan frame, size_t needed) {
  absl::StatusOr<ReplyHeader> header = DecodeReplyHeader(frame);
  if (!header.ok()) return header.status();
  Message message;
  message.header = *header;
  if (frame.size() < needed) {
    if (header->status != IocStatus::kSuccess) return message;
    return CheckSize(what, frame, needed);
  }
  Layout(Loader(frame), message);
  return message;
}

template <typename Message>
Bytes EncodeRequest(Function function, const Message& message) {
  Bytes frame = NewRequest(function, Message::kSize);
  Layout(Storer(absl::MakeSpan(frame)), message);
  return frame;
}

template <typename Message>
Bytes EncodeReply(const Message& message) {
  Bytes frame(Message::kSize);
  StoreReplyHeader(message.header, absl::MakeSpan(frame));
  Layout(Storer(absl::MakeSpan(frame)), message);
  return frame;
}

}  // namespace

absl::StatusOr<Function> DecodeFunction(ByteSpan frame) {
  if (absl::Status s = CheckSize("request", frame, kFunctionOffset + 1); !s.ok()) return s;
  return static_cast<Function>(frame[kFunctionOffset]);
}

absl::StatusOr<ReplyHeader> DecodeReplyHeader(ByteSpan frame) {
  if (absl::Status s = CheckSize("reply", frame, ReplyHeader::kSize); !s.ok()) return s;
  ReplyHeader header;
  header.function = static_cast<Function>(Load8(frame, 0x03));
  header.status = static_cast<IocStatus>(LoadLe16(frame, 0x0E) & kIocStatusMask);
  header.log_info = LoadLe32(frame, 0x10);
  return header;
}

Bytes EncodeReplyHeader(const ReplyHeader& reply) {
  Bytes frame(ReplyHeader::kSize);
  StoreReplyHeader(reply, absl::MakeSpan(frame));
  return frame;
}

absl::StatusOr<IocInitRequest> DecodeIocInitRequest(ByteSpan frame) {
  return DecodeRequest<IocInitRequest>("IOC init request", frame, IocInitRequest::kSize);
}
Bytes EncodeIocInitRequest(const IocInitRequest& request) {
  return EncodeRequest(Function::kIocInit, request);
}

Bytes EncodeIocFactsRequest() { return EncodeBareRequest(Function::kIocFacts); }

absl::StatusOr<IocFactsReply> DecodeIocFactsReply(ByteSpan frame) {
  return DecodeReply<IocFactsReply>("IOC facts reply", frame, 0x3E);
}
Bytes EncodeIocFactsReply(const IocFactsReply& reply) { return EncodeReply(reply); }

std::string FirmwareVersionText(uint32_t version) {
  return absl::StrFormat("%02u.%02u.%02u.%02u", version >> 24, version >> 16 & 0xFF,
                         version >> 8 & 0xFF, version & 0xFF);
}

Bytes EncodePortFactsRequest(uint8_t port) {
  Bytes frame = EncodeBareRequest(Function::kPortFacts);
  Store8(absl::MakeSpan(frame), 0x06, port);
  return frame;
}
absl::StatusOr<PortFactsReply> DecodePortFactsReply(ByteSpan frame) {
  return DecodeReply<PortFactsReply>("port facts reply", frame, 0x1A);
}
Bytes EncodePortFactsReply(const PortFactsReply& reply) { return EncodeReply(reply); }

Bytes EncodePortEnableRequest() { return EncodeBareRequest(Function::kPortEnable); }

void EventNotificationRequest::Unmask(EventCode event) {
  const auto code = static_cast<uint16_t>(event);
  if (code < 32 * masks.size()) masks[code / 32] &= ~(uint32_t{1} << code % 32);
}

bool EventNotificationRequest::IsMasked(uint16_t event) const {
  return event >= 32 * masks.size() || (masks[event / 32] >> event % 32 & 1) != 0;
}

absl::StatusOr<EventNotificationRequest> DecodeEventNotificationRequest(ByteSpan frame) {
  return DecodeRequest<EventNotificationRequest>("event notification request", frame, 0x28);
}
Bytes EncodeEventNotificationRequest(const EventNotificationRequest& request) {
  return EncodeRequest(Function::kEventNotification, request);
}

// mpi2_ioc.h, MPI2_EVENT_NOTIFICATION_REPLY.
absl::StatusOr<EventNotificationReply> DecodeEventNotificationReply(ByteSpan frame) {
  if (absl::Status s =
          CheckSize("event notification reply", frame, EventNotificationReply::kDataOffset);
      !s.ok()) {
    return s;
  }
  EventNotificationReply reply;
  reply.header = *DecodeReplyHeader(frame);
  reply.ack_required = Load8(frame, 0x06) != 0;
  reply.event = LoadLe16(frame, 0x14);
  reply.context = LoadLe32(frame, 0x18);
  const size_t size = size_t{LoadLe16(frame, 0x00)} * 4;
  if (frame.size() - EventNotificationReply::kDataOffset < size) {
    return absl::InvalidArgumentError(
        absl::StrFormat("event 0x%02x: data of %u bytes, the reply has room for %u", reply.event,
                        size, frame.size() - EventNotificationReply::kDataOffset));
  }
  reply.data = frame.subspan(EventNotificationReply::kDataOffset, size);
  return reply;
}

Bytes EncodeEventNotificationReply(const EventNotificationReply& reply) {
  const size_t dwords = (reply.data.size() + 3) / 4;
  Bytes frame(EventNotificationReply::kDataOffset + 4 * dwords);
  const MutableByteSpan out = absl::MakeSpan(frame);
  StoreReplyHeader(reply.header, out);
  StoreLe16(out, 0x00, static_cast<uint16_t>(dwords));
  Store8(out, 0x06, reply.ack_required ? 1 : 0);
  StoreLe16(out, 0x14, reply.event);
  StoreLe32(out, 0x18, reply.context);
  std::copy(reply.data.begin(), reply.data.end(),
            frame.begin() + EventNotificationReply::kDataOffset);
  return frame;
}

absl::StatusOr<EventAckRequest> DecodeEventAckRequest(ByteSpan frame) {
  return DecodeRequest<EventAckRequest>("event ack request", frame, EventAckRequest::kSize);
}
Bytes EncodeEventAckRequest(const EventAckRequest& request) {
  return EncodeRequest(Function::kEventAck, request);
}

absl::StatusOr<ConfigRequest> DecodeConfigRequest(ByteSpan frame) {
  if (absl::Status s = CheckSize("config request", frame, ConfigRequest::kSize); !s.ok()) return s;
  ConfigRequest request;
  request.action = static_cast<ConfigAction>(Load8(frame, 0x00));
  request.page = LoadConfigHeader(frame);
  request.address = LoadLe32(frame, 0x18);
  return request;
}
Bytes EncodeConfigRequest(const ConfigRequest& request) {
  Bytes frame = NewRequest(Function::kConfig, ConfigRequest::kSize);
  const MutableByteSpan out = absl::MakeSpan(frame);
  Store8(out, 0x00, static_cast<uint8_t>(request.action));
  StoreConfigHeader(request.page, out);
  StoreLe32(out, 0x18, request.address);
  return frame;
}

absl::StatusOr<ConfigReply> DecodeConfigReply(ByteSpan frame) {
  absl::StatusOr<ReplyHeader> header = DecodeReplyHeader(frame);
  if (!header.ok()) return header.status();
  ConfigReply reply;
  reply.header = *header;
  if (frame.size() < ConfigReply::kSize) {
    if (header->status != IocStatus::kSuccess) return reply;
    return CheckSize("config reply", frame, ConfigReply::kSize);
  }
  reply.action = static_cast<ConfigAction>(Load8(frame, 0x00));
  reply.page = LoadConfigHeader(frame);
  return reply;
}
Bytes EncodeConfigReply(const ConfigReply& reply) {
  Bytes frame(ConfigReply::kSize);
  const MutableByteSpan out = absl::MakeSpan(frame);
  StoreReplyHeader(reply.header, out);
  Store8(out, 0x00, static_cast<uint8_t>(reply.action));
  StoreConfigHeader(reply.page, out);
  return frame;
}

absl::StatusOr<TaskManagementRequest> DecodeTaskManagementRequest(ByteSpan frame) {
  absl::StatusOr<TaskManagementRequest> request = DecodeRequest<TaskManagementRequest>(
      "task management request", frame, TaskManagementRequest::kSize);
  if (request.ok()) request->lun = LoadBe64(frame, kTaskManagementLunOffset);
  return request;
}
Bytes EncodeTaskManagementRequest(const TaskManagementRequest& request) {
  Bytes frame = EncodeRequest(Function::kTaskManagement, request);
  StoreBe64(absl::MakeSpan(frame), kTaskManagementLunOffset, request.lun);
  return frame;
}
absl::StatusOr<TaskManagementReply> DecodeTaskManagementReply(ByteSpan frame) {
  return DecodeReply<TaskManagementReply>("task management reply", frame, 0x18);
}
Bytes EncodeTaskManagementReply(const TaskManagementReply& reply) { return EncodeReply(reply); }

absl::StatusOr<SasControlRequest> DecodeSasControlRequest(ByteSpan frame) {
  return DecodeRequest<SasControlRequest>("SAS IO unit control request", frame, 0x20);
}
Bytes EncodeSasControlRequest(const SasControlRequest& request) {
  return EncodeRequest(Function::kSasIoUnitControl, request);
}
absl::StatusOr<SasControlReply> DecodeSasControlReply(ByteSpan frame) {
  return DecodeReply<SasControlReply>("SAS IO unit control reply", frame, 0x14);
}
Bytes EncodeSasControlReply(const SasControlReply& reply) { return EncodeReply(reply); }

absl::StatusOr<SmpPassthroughRequest> DecodeSmpPassthroughRequest(ByteSpan frame) {
  return DecodeRequest<SmpPassthroughRequest>("SMP passthrough request", frame,
                                              SmpPassthroughRequest::kSize);
}
Bytes EncodeSmpPassthroughRequest(const SmpPassthroughRequest& request) {
  return EncodeRequest(Function::kSmpPassthrough, request);
}
absl::StatusOr<SmpPassthroughReply> DecodeSmpPassthroughReply(ByteSpan frame) {
  return DecodeReply<SmpPassthroughReply>("SMP passthrough reply", frame, 0x14);
}
Bytes EncodeSmpPassthroughReply(const SmpPassthroughReply& reply) { return EncodeReply(reply); }

absl::StatusOr<ScsiIoRequest> DecodeScsiIoRequest(ByteSpan frame) {
  absl::StatusOr<ScsiIoRequest> request =
      DecodeRequest<ScsiIoRequest>("SCSI IO request", frame, ScsiIoRequest::kSize);
  if (!request.ok()) return request;
  request->lun = LoadBe64(frame, kScsiLunOffset);
  request->direction =
      static_cast<DataDirection>(LoadLe32(frame, kScsiControlOffset) >> kDirectionShift & 3);
  return request;
}
Bytes EncodeScsiIoRequest(const ScsiIoRequest& request) {
  Bytes frame = EncodeRequest(Function::kScsiIo, request);
  Store8(absl::MakeSpan(frame), kScsiSglOffset0, ScsiIoRequest::kSglOffset / 4);
  StoreBe64(absl::MakeSpan(frame), kScsiLunOffset, request.lun);
  StoreLe32(absl::MakeSpan(frame), kScsiControlOffset,
            static_cast<uint32_t>(request.direction) << kDirectionShift);
  return frame;
}
absl::StatusOr<ScsiIoReply> DecodeScsiIoReply(ByteSpan frame) {
  return DecodeReply<ScsiIoReply>("SCSI IO reply", frame, 0x1C);
}
Bytes EncodeScsiIoReply(const ScsiIoReply& reply) { return EncodeReply(reply); }

Bytes EncodeBareRequest(Function function, size_t size) { return NewRequest(function, size); }

}  // namespace sasd::mpi
