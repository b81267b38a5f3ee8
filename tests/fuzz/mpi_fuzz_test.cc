// The firmware's bytes. Every decoder of events, pages and messages returns a value or an error for
// any input. A decoded value survives encoding, as does its text if its type has one.
#include <cstddef>
#include <cstdint>
#include <string>

#include "driver/base/endian.h"
#include "driver/wire/mpi/constants.h"
#include "driver/wire/mpi/events.h"
#include "driver/wire/mpi/messages.h"
#include "driver/wire/mpi/pages.h"
#include "tests/fuzz/properties.h"

// Checks a codec by its name.
#define CODEC(name) fuzz::CheckCodec(Decode##name, Encode##name, bytes, #name)
#define TEXT_CODEC(name) fuzz::CheckTextCodec(Decode##name, Encode##name, bytes, #name)

namespace sasd::mpi {
namespace {

// The input is an event number of two bytes, then the event's data.
void DecodeEvents(ByteSpan bytes) {
  if (bytes.size() < 2) return;
  const uint16_t event = LoadLe16(bytes, 0);
  fuzz::CheckTextCodec([event](ByteSpan data) { return DecodeEvent(event, data); }, EncodeEvent,
                       bytes.subspan(2), "event");
}

void DecodePages(ByteSpan bytes) {
  TEXT_CODEC(ManufacturingPage0);
  TEXT_CODEC(SasIoUnitPage0);
  TEXT_CODEC(SasIoUnitPage1);
  TEXT_CODEC(ExpanderPage0);
  TEXT_CODEC(ExpanderPage1);
  TEXT_CODEC(SasDevicePage0);
  TEXT_CODEC(SasPhyPage0);
  TEXT_CODEC(SasPhyPage1);
  TEXT_CODEC(EnclosurePage0);
  TEXT_CODEC(RaidVolumePage0);
  TEXT_CODEC(RaidVolumePage1);
  TEXT_CODEC(PhysicalDiskPage0);
  fuzz::CheckCodec(
      DecodePageHeader,
      [](const PageHeader& header) {
        Bytes page(8);
        StorePageHeader(header, absl::MakeSpan(page));
        return page;
      },
      bytes, "page header");
}

// Known and unknown numbers have texts.
void DescribeNumber(ByteSpan bytes) {
  if (bytes.size() < 2) return;
  const uint8_t byte = bytes[0];
  const uint16_t word = LoadLe16(bytes, 0);
  for (const std::string& text :
       {ToString(static_cast<IocStatus>(word)), ToString(static_cast<Function>(byte)),
        ToString(static_cast<IocState>(byte)), ToString(static_cast<ConfigAction>(byte)),
        ToString(static_cast<PageType>(byte)), ToString(static_cast<ExtPageType>(byte)),
        ToString(static_cast<SasControlOp>(byte)), ToString(static_cast<TaskManagementType>(byte)),
        ToString(static_cast<TaskManagementResponse>(byte)), PhysicalDiskStateText(byte),
        SasStatusText(byte), FirmwareVersionText(word)}) {
    fuzz::Check(!text.empty(), "a number has a text");
  }
  (void)DeviceFlagsText(word);
}

void DecodeMessages(ByteSpan bytes) {
  if (const auto function = DecodeFunction(bytes); function.ok()) {
    fuzz::Check(!ToString(*function).empty(), "Function");
    fuzz::Check(*DecodeFunction(EncodeBareRequest(*function)) == *function, "Function");
  }
  CODEC(ReplyHeader);
  CODEC(IocInitRequest);
  CODEC(IocFactsReply);
  CODEC(PortFactsReply);
  CODEC(EventNotificationRequest);
  CODEC(EventNotificationReply);
  CODEC(EventAckRequest);
  CODEC(ConfigRequest);
  CODEC(ConfigReply);
  CODEC(TaskManagementRequest);
  CODEC(TaskManagementReply);
  CODEC(SasControlRequest);
  CODEC(SasControlReply);
  CODEC(SmpPassthroughRequest);
  CODEC(SmpPassthroughReply);
  CODEC(ScsiIoRequest);
  CODEC(ScsiIoReply);
}

}  // namespace
}  // namespace sasd::mpi

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const sasd::ByteSpan bytes(data, size);
  sasd::mpi::DecodeEvents(bytes);
  sasd::mpi::DecodePages(bytes);
  sasd::mpi::DecodeMessages(bytes);
  sasd::mpi::DescribeNumber(bytes);
  return 0;
}
