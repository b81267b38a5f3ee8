#ifndef DRIVER_TRANSPORT_MPT3CTL_CTL_CODEC_H_
#define DRIVER_TRANSPORT_MPT3CTL_CTL_CODEC_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "driver/base/endian.h"
#include "driver/wire/mpi/constants.h"

// The arguments of the control node's ioctls, as a 64-bit little-endian kernel lays them out (Linux
// 6.1, drivers/scsi/mpt3sas/mpt3sas_ctl.h; the structure's name stands above each). Decoding is
// total: any bytes give a value or kInvalidArgument with the sizes. Pure functions, thread-safe.
namespace sasd::mpt3ctl {

// MPT3IOCINFO and so on: _IOWR('L', number, structure).
namespace ioctl_number {
constexpr uint32_t kIocInfo = 0xC05C4C11;
constexpr uint32_t kCommand = 0xC0484C14;
constexpr uint32_t kEventQuery = 0xC0204C15;
constexpr uint32_t kEventEnable = 0xC01C4C16;
constexpr uint32_t kEventReport = 0xC0D44C17;
}  // namespace ioctl_number

// mpt3_ioctl_header, which every argument begins with.
struct CtlHeader {
  static constexpr size_t kSize = 0x0C;
  uint32_t ioc_number = 0;
  uint32_t port_number = 0;
  uint32_t max_data_size = 0;  // bytes that may be written, this header included (EVENTREPORT)
};
absl::StatusOr<CtlHeader> DecodeCtlHeader(ByteSpan argument);

// mpt3_ioctl_iocinfo. The kernel does not return the header.
struct CtlIocInfo {
  static constexpr size_t kSize = 0x5C;
  static constexpr size_t kDriverVersionSize = 32;
  uint32_t adapter_type = 0;  // 4: SAS2, 6: SAS3, 7: SAS3.5
  uint32_t port_number = 0;
  uint32_t pci_device_id = 0;
  uint32_t hardware_revision = 0;
  uint32_t subsystem_device = 0;
  uint32_t subsystem_vendor = 0;
  uint32_t firmware_version = 0;  // one byte each: major, minor, unit, dev
  uint32_t bios_version = 0;
  std::string driver_version;  // "mpt3sas-43.100.00.00"; bytes that are not printable are '?'
  uint32_t pci_segment = 0, pci_bus = 0;
  uint8_t pci_device = 0, pci_function = 0;

  // "0000:03:00.0"
  std::string PciAddress() const;
};
Bytes EncodeIocInfoRequest(uint32_t ioc_number);
absl::StatusOr<CtlIocInfo> DecodeIocInfo(ByteSpan argument);
Bytes EncodeIocInfo(const CtlIocInfo& info);

// The events that the log takes: bit N % 32 of word N / 32 is event N's.
struct EventMask {
  static constexpr size_t kWords = 4;
  std::array<uint32_t, kWords> words = {};

  void Add(mpi::EventCode event);
  bool Has(uint16_t event) const;  // false beyond the words
  bool Contains(const EventMask& other) const;
  EventMask Union(const EventMask& other) const;
  bool operator==(const EventMask& other) const { return words == other.words; }
};

// mpt3_ioctl_eventquery.
struct EventQuery {
  static constexpr size_t kSize = 0x20;
  uint16_t entries = 0;  // of the log
  EventMask mask;
};
Bytes EncodeEventQueryRequest(uint32_t ioc_number);
absl::StatusOr<EventQuery> DecodeEventQuery(ByteSpan argument);
Bytes EncodeEventQuery(const EventQuery& query);

// mpt3_ioctl_eventenable: the mask overwrites the previous one.
constexpr size_t kEventEnableSize = 0x1C;
Bytes EncodeEventEnable(uint32_t ioc_number, const EventMask& mask);
absl::StatusOr<EventMask> DecodeEventEnable(ByteSpan argument);

// MPT3_IOCTL_EVENTS: an entry of the log. A slot that was never written has event 0, which no entry
// has (_ctl_check_event_type).
constexpr size_t kEventDataSize = 192;
struct LogEntry {
  static constexpr size_t kSize = 8 + kEventDataSize;
  uint32_t event = 0;
  uint32_t context = 0;  // counts the entries since the log began
  std::array<uint8_t, kEventDataSize> data = {};
};
absl::StatusOr<LogEntry> DecodeLogEntry(ByteSpan entry);
Bytes EncodeLogEntry(const LogEntry& entry);

// mpt3_ioctl_eventreport with room for the whole log (MPT3SAS_CTL_EVENT_LOG_SIZE). The entry with
// context C is in slot C % kLogEntries.
//
// max_data_size is always the whole size: below 12 the kernel's subtraction wraps, and it writes
// 40,000 bytes regardless of the buffer.
constexpr size_t kLogEntries = 200;
constexpr size_t kEventReportSize = CtlHeader::kSize + kLogEntries * LogEntry::kSize;
Bytes EncodeEventReportRequest(uint32_t ioc_number);
// The bytes of slot `slot` (< kLogEntries) of a report of kEventReportSize bytes.
ByteSpan LogSlot(ByteSpan report, size_t slot);

// mpt3_ioctl_command without its last member, `mf`: the request frame follows it. The kernel copies
// sizeof(mpt3_ioctl_command) bytes in, which is more, so an argument has kMinArgument at least.
struct CommandHeader {
  static constexpr size_t kSize = 0x44;
  static constexpr size_t kMinArgument = 0x48;
  uint32_t ioc_number = 0;
  uint32_t timeout_s = 0;  // below 10 it is 10 (MPT3_IOCTL_DEFAULT_TIMEOUT)
  uint64_t reply_address = 0, data_in_address = 0, data_out_address = 0, sense_address = 0;
  uint32_t max_reply_bytes = 0, data_in_size = 0, data_out_size = 0, max_sense_bytes = 0;
  uint32_t data_sge_offset = 0;  // of the scatter-gather list in the frame, in dwords
};
absl::StatusOr<CommandHeader> DecodeCommandHeader(ByteSpan argument);
// The argument with its frame, whose size is a multiple of 4 and becomes data_sge_offset.
Bytes EncodeCommand(const CommandHeader& header, ByteSpan frame);

}  // namespace sasd::mpt3ctl

#endif  // DRIVER_TRANSPORT_MPT3CTL_CTL_CODEC_H_
