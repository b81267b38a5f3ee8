// The control node's ioctls. Every decoder returns a value or an error for any input, and a decoded
// value encodes. An event log of any bytes is read forward and within its size. A reply of any
// bytes stays within its memory. Only requests on the list become commands.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "absl/types/span.h"
#include "driver/base/endian.h"
#include "driver/transport/ioc_transport.h"
#include "driver/transport/mpt3ctl/ctl_codec.h"
#include "driver/transport/mpt3ctl/ctl_command.h"
#include "driver/transport/mpt3ctl/event_log.h"
#include "tests/fuzz/properties.h"

namespace sasd::mpt3ctl {
namespace {

void DecodeAll(ByteSpan bytes) {
  if (const auto header = DecodeCtlHeader(bytes); !header.ok()) fuzz::CheckError(header.status());
  fuzz::CheckCodec(DecodeIocInfo, EncodeIocInfo, bytes, "IOC info");
  fuzz::CheckCodec(DecodeEventQuery, EncodeEventQuery, bytes, "event query");
  fuzz::CheckCodec(
      DecodeEventEnable, [](const auto& mask) { return EncodeEventEnable(1, mask); }, bytes,
      "event enable");
  fuzz::CheckCodec(DecodeLogEntry, EncodeLogEntry, bytes, "log entry");
  if (const auto info = DecodeIocInfo(bytes); info.ok()) (void)info->PciAddress();
  if (const auto command = DecodeCommandHeader(bytes); command.ok()) {
    (void)EncodeCommand(*command, bytes.subspan(0, bytes.size() / 4 * 4));
  }
}

// Reads an event log that repeats the bytes. Each read starts further on in them.
void ReadLog(ByteSpan bytes) {
  if (bytes.empty()) return;
  EventLog log;
  Bytes report(kEventReportSize);
  for (size_t round = 0; round < 4; ++round) {
    for (size_t i = 0; i < report.size(); ++i) report[i] = bytes[(i + round / 2) % bytes.size()];
    // Contexts are valid for their slots, so that reading goes on after the check.
    for (size_t slot = 0; slot < kLogEntries; slot += 1 + bytes[slot % bytes.size()] % 4) {
      const size_t at = CtlHeader::kSize + slot * LogEntry::kSize + 4;
      const uint32_t context = LoadLe32(report, at) / 200 * 200 + static_cast<uint32_t>(slot);
      StoreLe32(absl::MakeSpan(report), at, context);
    }
    if (!log.started()) log.Start(report);
    const EventLog::News news = log.Read(report);
    if (news.items.size() > 2 * kLogEntries + 1) std::abort();
  }
}

// Sends the bytes as a request frame, and uses them as the kernel's reply.
void Ask(ByteSpan bytes) {
  for (const size_t size : {size_t{0x0C}, size_t{0x1C}, size_t{0x20}, bytes.size()}) {
    if (size > bytes.size()) continue;
    transport::IocRequest request;
    request.frame = bytes.subspan(0, size);
    request.data_out = bytes.subspan(size);
    Bytes room(bytes.size() % 64);
    request.data_in = absl::MakeSpan(room);
    auto command = CtlCommand::Create(0, request);
    if (!command.ok()) continue;
    const uint8_t function = request.frame[3];
    if (function != 0x03 && function != 0x04 && function != 0x05 && function != 0x1A) std::abort();
    const auto header = DecodeCommandHeader(command->Argument());
    if (!header.ok() || header->timeout_s < 60) std::abort();
    const size_t copied = std::min<size_t>(header->max_reply_bytes, bytes.size());
    std::copy_n(bytes.begin(), copied, reinterpret_cast<uint8_t*>(header->reply_address));
    const auto reply = command->Reply();
    if (!reply.ok()) continue;
    if (reply->data_in_size > room.size()) std::abort();
    if (reply->frame.empty() || reply->frame.size() > header->max_reply_bytes) std::abort();
  }
}

}  // namespace
}  // namespace sasd::mpt3ctl

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const sasd::ByteSpan bytes(data, size);
  sasd::mpt3ctl::DecodeAll(bytes);
  sasd::mpt3ctl::ReadLog(bytes);
  sasd::mpt3ctl::Ask(bytes);
  return 0;
}
