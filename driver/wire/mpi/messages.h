#ifndef DRIVER_WIRE_MPI_MESSAGES_H_
#define DRIVER_WIRE_MPI_MESSAGES_H_

#include <array>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "driver/base/endian.h"
#include "driver/base/sas_address.h"
#include "driver/base/strong_id.h"
#include "driver/wire/mpi/constants.h"

// MPI 2.x request and reply frames (mpi2_ioc.h, mpi2_cnfg.h, mpi2_init.h, mpi2_sas.h). A request
// frame ends at the offset of its scatter-gather list (kSglOffset, in bytes); the data travels
// beside it. Decoding is total: any bytes give a value, or kInvalidArgument with the sizes.
// Decoding accepts longer replies, and replies that end after the last field known here. kSize is
// the size that encoding gives. Pure functions, thread-safe.
namespace sasd::mpi {

// The function of any message (mpi2.h, MPI2_REQUEST_HEADER, MPI2_DEFAULT_REPLY).
absl::StatusOr<Function> DecodeFunction(ByteSpan frame);

// The fields of every reply: 0x03 Function, 0x0E IOCStatus, 0x10 IOCLogInfo (mpi2.h,
// MPI2_DEFAULT_REPLY).
struct ReplyHeader {
  static constexpr size_t kSize = 0x14;
  Function function = Function::kScsiIo;
  IocStatus status = IocStatus::kSuccess;
  uint32_t log_info = 0;
};
absl::StatusOr<ReplyHeader> DecodeReplyHeader(ByteSpan frame);
Bytes EncodeReplyHeader(const ReplyHeader& reply);  // a default reply

// IOC init (MPI2_IOC_INIT_REQUEST): the fields that a front end without queues needs.
struct IocInitRequest {
  static constexpr size_t kSize = 0x48;
  uint8_t who_init = 0x04;  // MPI2_WHOINIT_HOST_DRIVER
  uint16_t message_version = 0x0200;
  uint16_t header_version = 0;
  uint16_t request_frame_dwords = 32;
  uint16_t reply_post_queue_depth = 0;
  uint16_t reply_free_queue_depth = 0;
  uint32_t sense_buffer_address_high = 0;
  uint32_t reply_address_high = 0;
  uint64_t request_frame_base = 0;
  uint64_t reply_post_queue_address = 0;
  uint64_t reply_free_queue_address = 0;
  uint64_t timestamp_ms = 0;
  uint8_t message_flags = 0;  // 1: reply_post_queue_address is that of an array of queues (RDPQ)
  uint16_t configuration_flags = 0;
  uint8_t host_page_size = 0;
  uint8_t host_msix_vectors = 0;
};
absl::StatusOr<IocInitRequest> DecodeIocInitRequest(ByteSpan frame);
Bytes EncodeIocInitRequest(const IocInitRequest& request);

// IOC facts (MPI2_IOC_FACTS_REQUEST, MPI2_IOC_FACTS_REPLY).
Bytes EncodeIocFactsRequest();
struct IocFactsReply {
  static constexpr size_t kSize = 0x44;
  ReplyHeader header{Function::kIocFacts, IocStatus::kSuccess, 0};
  uint16_t message_version = 0x0200;
  uint16_t header_version = 0;
  uint8_t ioc_number = 0;
  uint16_t exceptions = 0;
  uint8_t max_chain_depth = 0;
  uint8_t who_init = 0;
  uint8_t port_count = 0;
  uint8_t max_msix_vectors = 0;
  uint16_t request_credit = 0;
  uint16_t product_id = 0;
  uint32_t capabilities = 0;
  uint32_t firmware_version = 0;  // one byte each: major, minor, unit, dev
  uint16_t request_frame_dwords = 0;
  uint16_t max_chain_segment_size = 0;
  uint16_t max_initiators = 0;
  uint16_t max_targets = 0;
  uint16_t max_expanders = 0;
  uint16_t max_enclosures = 0;
  uint16_t protocol_flags = 0;
  uint16_t high_priority_credit = 0;
  uint16_t max_reply_post_queue_depth = 0;
  uint8_t reply_frame_dwords = 0;
  uint8_t max_volumes = 0;
  uint16_t max_dev_handle = 0;
  uint16_t max_persistent_entries = 0;
  uint16_t min_dev_handle = 0;
};
absl::StatusOr<IocFactsReply> DecodeIocFactsReply(ByteSpan frame);
Bytes EncodeIocFactsReply(const IocFactsReply& reply);
// "16.00.01.00"
std::string FirmwareVersionText(uint32_t version);

// Port facts (MPI2_PORT_FACTS_REQUEST, MPI2_PORT_FACTS_REPLY).
Bytes EncodePortFactsRequest(uint8_t port);
struct PortFactsReply {
  static constexpr size_t kSize = 0x1C;
  ReplyHeader header{Function::kPortFacts, IocStatus::kSuccess, 0};
  uint8_t port = 0;
  uint8_t port_type = 0x30;  // MPI2_PORTFACTS_PORTTYPE_SAS_VIRTUAL is 0x31, SAS_PHYSICAL 0x30
  uint16_t max_posted_command_buffers = 0;
};
absl::StatusOr<PortFactsReply> DecodePortFactsReply(ByteSpan frame);
Bytes EncodePortFactsReply(const PortFactsReply& reply);

// Port enable (MPI2_PORT_ENABLE_REQUEST); its reply is a ReplyHeader.
Bytes EncodePortEnableRequest();

// Event notification (MPI2_EVENT_NOTIFICATION_REQUEST). A set bit masks the event.
struct EventNotificationRequest {
  static constexpr size_t kSize = 0x2C;
  std::array<uint32_t, 4> masks = {0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF};
  uint16_t broadcast_primitive_masks = 0;
  uint16_t notify_primitive_masks = 0;

  void Unmask(EventCode event);
  bool IsMasked(uint16_t event) const;  // true for codes beyond the masks
};
absl::StatusOr<EventNotificationRequest> DecodeEventNotificationRequest(ByteSpan frame);
Bytes EncodeEventNotificationRequest(const EventNotificationRequest& request);

// An event (MPI2_EVENT_NOTIFICATION_REPLY). `data` borrows from the decoded frame. Its
// size is EventDataLength, in bytes. Error if the frame ends before the data does.
struct EventNotificationReply {
  static constexpr size_t kDataOffset = 0x1C;
  ReplyHeader header{Function::kEventNotification, IocStatus::kSuccess, 0};
  bool ack_required = false;
  uint16_t event = 0;
  uint32_t context = 0;
  ByteSpan data;
};
absl::StatusOr<EventNotificationReply> DecodeEventNotificationReply(ByteSpan frame);
// Pads the data to whole dwords.
Bytes EncodeEventNotificationReply(const EventNotificationReply& reply);

// Event acknowledgement (MPI2_EVENT_ACK_REQUEST); its reply is a ReplyHeader.
struct EventAckRequest {
  static constexpr size_t kSize = 0x14;
  uint16_t event = 0;
  uint32_t context = 0;
};
absl::StatusOr<EventAckRequest> DecodeEventAckRequest(ByteSpan frame);
Bytes EncodeEventAckRequest(const EventAckRequest& request);

// The header of a configuration page, plain or extended (MPI2_CONFIG_PAGE_HEADER,
// MPI2_CONFIG_EXTENDED_PAGE_HEADER). `dwords` is the whole page's length.
struct PageHeader {
  uint8_t version = 0;
  uint8_t number = 0;
  PageType type = PageType::kExtended;
  ExtPageType ext_type = ExtPageType::kNone;  // for PageType::kExtended
  uint16_t dwords = 0;

  bool extended() const { return type == PageType::kExtended; }
};

// Configuration (MPI2_CONFIG_REQUEST, MPI2_CONFIG_REPLY).
struct ConfigRequest {
  static constexpr size_t kSize = 0x1C;
  static constexpr size_t kSglOffset = 0x1C;
  ConfigAction action = ConfigAction::kPageHeader;
  PageHeader page;
  uint32_t address = 0;
};
absl::StatusOr<ConfigRequest> DecodeConfigRequest(ByteSpan frame);
Bytes EncodeConfigRequest(const ConfigRequest& request);
struct ConfigReply {
  static constexpr size_t kSize = 0x18;
  ReplyHeader header{Function::kConfig, IocStatus::kSuccess, 0};
  ConfigAction action = ConfigAction::kPageHeader;
  PageHeader page;
};
absl::StatusOr<ConfigReply> DecodeConfigReply(ByteSpan frame);
Bytes EncodeConfigReply(const ConfigReply& reply);

// Task management (MPI2_SCSI_TASK_MANAGE_REQUEST, MPI2_SCSI_TASK_MANAGE_REPLY).
struct TaskManagementRequest {
  static constexpr size_t kSize = 0x34;
  DevHandle handle;
  TaskManagementType type = TaskManagementType::kTargetReset;
  uint8_t flags = 0;
  uint64_t lun = 0;  // the 8-byte LUN, big-endian
  uint16_t task_mid = 0;
};
absl::StatusOr<TaskManagementRequest> DecodeTaskManagementRequest(ByteSpan frame);
Bytes EncodeTaskManagementRequest(const TaskManagementRequest& request);
struct TaskManagementReply {
  static constexpr size_t kSize = 0x1C;
  ReplyHeader header{Function::kTaskManagement, IocStatus::kSuccess, 0};
  DevHandle handle;
  TaskManagementResponse response = TaskManagementResponse::kComplete;
  TaskManagementType type = TaskManagementType::kTargetReset;
  uint32_t termination_count = 0;
};
absl::StatusOr<TaskManagementReply> DecodeTaskManagementReply(ByteSpan frame);
Bytes EncodeTaskManagementReply(const TaskManagementReply& reply);

// SAS IO unit control (MPI2_SAS_IOUNIT_CONTROL_REQUEST, ..._REPLY).
struct SasControlRequest {
  static constexpr size_t kSize = 0x2C;
  SasControlOp operation = SasControlOp::kRemoveDevice;
  DevHandle handle;
  PhyId phy;
  uint8_t primitive_flags = 0;
  uint32_t primitive = 0;
  uint8_t lookup_method = 0;
  uint16_t slot = 0;
  SasAddress lookup_address;
};
absl::StatusOr<SasControlRequest> DecodeSasControlRequest(ByteSpan frame);
Bytes EncodeSasControlRequest(const SasControlRequest& request);
struct SasControlReply {
  static constexpr size_t kSize = 0x14;
  ReplyHeader header{Function::kSasIoUnitControl, IocStatus::kSuccess, 0};
  SasControlOp operation = SasControlOp::kRemoveDevice;
  DevHandle handle;
};
absl::StatusOr<SasControlReply> DecodeSasControlReply(ByteSpan frame);
Bytes EncodeSasControlReply(const SasControlReply& reply);

// SMP passthrough (MPI2_SMP_PASSTHROUGH_REQUEST, ..._REPLY). The SMP request is the data out, the
// SMP response the data in.
struct SmpPassthroughRequest {
  static constexpr size_t kSize = 0x20;
  static constexpr size_t kSglOffset = 0x20;
  PhysicalPort port{0xFF};
  uint16_t request_size = 0;  // bytes, without CRC
  SasAddress address;         // of the SMP target
};
absl::StatusOr<SmpPassthroughRequest> DecodeSmpPassthroughRequest(ByteSpan frame);
Bytes EncodeSmpPassthroughRequest(const SmpPassthroughRequest& request);
struct SmpPassthroughReply {
  static constexpr size_t kSize = 0x1C;
  ReplyHeader header{Function::kSmpPassthrough, IocStatus::kSuccess, 0};
  PhysicalPort port{0xFF};
  uint16_t response_size = 0;  // bytes
  uint8_t sas_status = 0;
};
absl::StatusOr<SmpPassthroughReply> DecodeSmpPassthroughReply(ByteSpan frame);
Bytes EncodeSmpPassthroughReply(const SmpPassthroughReply& reply);

// SCSI IO (MPI2_SCSI_IO_REQUEST, MPI2_SCSI_IO_REPLY).
enum class DataDirection : uint8_t { kNone = 0, kWrite = 1, kRead = 2 };
struct ScsiIoRequest {
  static constexpr size_t kSize = 0x60;
  static constexpr size_t kSglOffset = 0x60;
  DevHandle handle;
  uint8_t sense_size = 0;
  uint32_t data_size = 0;
  uint16_t io_flags = 0;  // low 9 bits: the CDB's length in bytes; hardware needs it
  uint64_t lun = 0;       // the 8-byte LUN, big-endian
  DataDirection direction = DataDirection::kNone;
  std::array<uint8_t, 32> cdb = {};
};
absl::StatusOr<ScsiIoRequest> DecodeScsiIoRequest(ByteSpan frame);
Bytes EncodeScsiIoRequest(const ScsiIoRequest& request);
struct ScsiIoReply {
  static constexpr size_t kSize = 0x34;
  static constexpr uint8_t kStateAutosenseValid = 0x01, kStateAutosenseFailed = 0x02;
  static constexpr uint8_t kStateNoScsiStatus = 0x04, kStateTerminated = 0x08;
  static constexpr uint8_t kStateResponseInfoValid = 0x10;
  ReplyHeader header{Function::kScsiIo, IocStatus::kSuccess, 0};
  DevHandle handle;
  uint8_t scsi_status = 0;  // SAM: 0 good, 2 check condition, 8 busy, 0x28 task set full
  uint8_t scsi_state = 0;
  uint32_t transfer_count = 0;
  uint32_t sense_count = 0;
};
absl::StatusOr<ScsiIoReply> DecodeScsiIoReply(ByteSpan frame);
Bytes EncodeScsiIoReply(const ScsiIoReply& reply);

// Message unit reset and other requests that consist of their function alone.
Bytes EncodeBareRequest(Function function, size_t size = 0x0C);

}  // namespace sasd::mpi

#endif  // DRIVER_WIRE_MPI_MESSAGES_H_
