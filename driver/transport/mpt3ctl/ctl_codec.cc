#include "driver/transport/mpt3ctl/ctl_codec.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace sasd::mpt3ctl {
namespace {

absl::Status CheckSize(absl::string_view name, ByteSpan bytes, size_t needed) {
  if (bytes.size() >= needed) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(name, " of ", bytes.size(), " bytes, needs ", needed));
}

// An argument of `size` bytes that is all 0 but for its header.
Bytes NewArgument(uint32_t ioc_number, size_t size) {
  Bytes argument(size);
  StoreLe32(absl::MakeSpan(argument), 0x00, ioc_number);
  StoreLe32(absl::MakeSpan(argument), 0x08, static_cast<uint32_t>(size));
  return argument;
}

EventMask LoadMask(ByteSpan bytes, size_t at) {
  EventMask mask;
  for (size_t i = 0; i < EventMask::kWords; ++i) mask.words[i] = LoadLe32(bytes, at + 4 * i);
  return mask;
}

void StoreMask(const EventMask& mask, MutableByteSpan bytes, size_t at) {
  for (size_t i = 0; i < EventMask::kWords; ++i) StoreLe32(bytes, at + 4 * i, mask.words[i]);
}

std::string PrintableUntilNul(ByteSpan bytes) {
  std::string text(bytes.begin(), std::find(bytes.begin(), bytes.end(), 0));
  std::replace_if(
      text.begin(), text.end(), [](char c) { return !absl::ascii_isprint(c); }, '?');
  return text;
}

}  // namespace

absl::StatusOr<CtlHeader> DecodeCtlHeader(ByteSpan argument) {
  if (absl::Status s = CheckSize("ioctl header", argument, CtlHeader::kSize); !s.ok()) return s;
  return CtlHeader{LoadLe32(argument, 0x00), LoadLe32(argument, 0x04), LoadLe32(argument, 0x08)};
}

std::string CtlIocInfo::PciAddress() const {
  return absl::StrFormat("%04x:%02x:%02x.%d", pci_segment, pci_bus, pci_device, pci_function);
}

Bytes EncodeIocInfoRequest(uint32_t ioc_number) {
  return NewArgument(ioc_number, CtlIocInfo::kSize);
}

absl::StatusOr<CtlIocInfo> DecodeIocInfo(ByteSpan argument) {
  if (absl::Status s = CheckSize("IOCINFO", argument, CtlIocInfo::kSize); !s.ok()) return s;
  CtlIocInfo info;
  info.adapter_type = LoadLe32(argument, 0x0C);
  info.port_number = LoadLe32(argument, 0x10);
  info.pci_device_id = LoadLe32(argument, 0x14);
  info.hardware_revision = LoadLe32(argument, 0x18);
  info.subsystem_device = LoadLe32(argument, 0x1C);
  info.subsystem_vendor = LoadLe32(argument, 0x20);
  info.firmware_version = LoadLe32(argument, 0x28);
  info.bios_version = LoadLe32(argument, 0x2C);
  info.driver_version = PrintableUntilNul(argument.subspan(0x30, CtlIocInfo::kDriverVersionSize));
  const uint32_t place = LoadLe32(argument, 0x54);  // device:5, function:3, bus:24
  info.pci_device = place & 0x1F;
  info.pci_function = place >> 5 & 0x07;
  info.pci_bus = place >> 8;
  info.pci_segment = LoadLe32(argument, 0x58);
  return info;
}

Bytes EncodeIocInfo(const CtlIocInfo& info) {
  Bytes argument(CtlIocInfo::kSize);
  const MutableByteSpan out = absl::MakeSpan(argument);
  StoreLe32(out, 0x0C, info.adapter_type);
  StoreLe32(out, 0x10, info.port_number);
  StoreLe32(out, 0x14, info.pci_device_id);
  StoreLe32(out, 0x18, info.hardware_revision);
  StoreLe32(out, 0x1C, info.subsystem_device);
  StoreLe32(out, 0x20, info.subsystem_vendor);
  StoreLe32(out, 0x28, info.firmware_version);
  StoreLe32(out, 0x2C, info.bios_version);
  const size_t length = std::min(info.driver_version.size(), CtlIocInfo::kDriverVersionSize);
  std::copy_n(info.driver_version.begin(), length, out.begin() + 0x30);
  StoreLe32(out, 0x54,
            (info.pci_device & 0x1F) | (info.pci_function & 0x07) << 5 | info.pci_bus << 8);
  StoreLe32(out, 0x58, info.pci_segment);
  return argument;
}

void EventMask::Add(mpi::EventCode event) {
  const auto code = static_cast<uint16_t>(event);
  if (code < 32 * kWords) words[code / 32] |= uint32_t{1} << code % 32;
}

bool EventMask::Has(uint16_t event) const {
  return event < 32 * kWords && (words[event / 32] >> event % 32 & 1) != 0;
}

bool EventMask::Contains(const EventMask& other) const { return Union(other) == *this; }

EventMask EventMask::Union(const EventMask& other) const {
  EventMask both;
  for (size_t i = 0; i < kWords; ++i) both.words[i] = words[i] | other.words[i];
  return both;
}

Bytes EncodeEventQueryRequest(uint32_t ioc_number) {
  return NewArgument(ioc_number, EventQuery::kSize);
}

absl::StatusOr<EventQuery> DecodeEventQuery(ByteSpan argument) {
  if (absl::Status s = CheckSize("EVENTQUERY", argument, EventQuery::kSize); !s.ok()) return s;
  return EventQuery{LoadLe16(argument, 0x0C), LoadMask(argument, 0x10)};
}

Bytes EncodeEventQuery(const EventQuery& query) {
  Bytes argument = NewArgument(0, EventQuery::kSize);
  StoreLe16(absl::MakeSpan(argument), 0x0C, query.entries);
  StoreMask(query.mask, absl::MakeSpan(argument), 0x10);
  return argument;
}

Bytes EncodeEventEnable(uint32_t ioc_number, const EventMask& mask) {
  Bytes argument = NewArgument(ioc_number, kEventEnableSize);
  StoreMask(mask, absl::MakeSpan(argument), 0x0C);
  return argument;
}

absl::StatusOr<EventMask> DecodeEventEnable(ByteSpan argument) {
  if (absl::Status s = CheckSize("EVENTENABLE", argument, kEventEnableSize); !s.ok()) return s;
  return LoadMask(argument, 0x0C);
}

absl::StatusOr<LogEntry> DecodeLogEntry(ByteSpan entry) {
  if (absl::Status s = CheckSize("event log entry", entry, LogEntry::kSize); !s.ok()) return s;
  LogEntry decoded;
  decoded.event = LoadLe32(entry, 0x00);
  decoded.context = LoadLe32(entry, 0x04);
  std::copy_n(entry.begin() + 0x08, kEventDataSize, decoded.data.begin());
  return decoded;
}

Bytes EncodeLogEntry(const LogEntry& entry) {
  Bytes bytes(LogEntry::kSize);
  StoreLe32(absl::MakeSpan(bytes), 0x00, entry.event);
  StoreLe32(absl::MakeSpan(bytes), 0x04, entry.context);
  std::copy(entry.data.begin(), entry.data.end(), bytes.begin() + 0x08);
  return bytes;
}

Bytes EncodeEventReportRequest(uint32_t ioc_number) {
  return NewArgument(ioc_number, kEventReportSize);
}

ByteSpan LogSlot(ByteSpan report, size_t slot) {
  return report.subspan(CtlHeader::kSize + slot * LogEntry::kSize, LogEntry::kSize);
}

absl::StatusOr<CommandHeader> DecodeCommandHeader(ByteSpan argument) {
  if (absl::Status s = CheckSize("COMMAND", argument, CommandHeader::kMinArgument); !s.ok()) {
    return s;
  }
  CommandHeader header;
  header.ioc_number = LoadLe32(argument, 0x00);
  header.timeout_s = LoadLe32(argument, 0x0C);
  header.reply_address = LoadLe64(argument, 0x10);
  header.data_in_address = LoadLe64(argument, 0x18);
  header.data_out_address = LoadLe64(argument, 0x20);
  header.sense_address = LoadLe64(argument, 0x28);
  header.max_reply_bytes = LoadLe32(argument, 0x30);
  header.data_in_size = LoadLe32(argument, 0x34);
  header.data_out_size = LoadLe32(argument, 0x38);
  header.max_sense_bytes = LoadLe32(argument, 0x3C);
  header.data_sge_offset = LoadLe32(argument, 0x40);
  return header;
}

Bytes EncodeCommand(const CommandHeader& header, ByteSpan frame) {
  const size_t size = std::max(CommandHeader::kMinArgument, CommandHeader::kSize + frame.size());
  Bytes argument = NewArgument(header.ioc_number, size);
  const MutableByteSpan out = absl::MakeSpan(argument);
  StoreLe32(out, 0x0C, header.timeout_s);
  StoreLe64(out, 0x10, header.reply_address);
  StoreLe64(out, 0x18, header.data_in_address);
  StoreLe64(out, 0x20, header.data_out_address);
  StoreLe64(out, 0x28, header.sense_address);
  StoreLe32(out, 0x30, header.max_reply_bytes);
  StoreLe32(out, 0x34, header.data_in_size);
  StoreLe32(out, 0x38, header.data_out_size);
  StoreLe32(out, 0x3C, header.max_sense_bytes);
  StoreLe32(out, 0x40, static_cast<uint32_t>(frame.size() / 4));
  std::copy(frame.begin(), frame.end(), out.begin() + CommandHeader::kSize);
  return argument;
}

}  // namespace sasd::mpt3ctl
