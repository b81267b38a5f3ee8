// Every decoder of the firmware's bytes: any input gives a value or an error, and what decodes has
// a text and encodes.
#include <cstddef>
#include <cstdint>

#include "driver/base/endian.h"
#include "driver/mpi/events.h"
#include "driver/mpi/messages.h"
#include "driver/mpi/pages.h"

namespace sasd::mpi {
namespace {

void DecodeEvents(ByteSpan bytes) {
  if (bytes.size() < 2) return;
  const absl::StatusOr<EventData> data = DecodeEvent(LoadLe16(bytes, 0), bytes.subspan(2));
  if (!data.ok()) return;
  (void)ToString(*data);
  (void)EncodeEvent(*data);
}

void DecodePages(ByteSpan bytes) {
  if (const auto page = DecodeSasIoUnitPage0(bytes); page.ok()) (void)ToString(*page);
  if (const auto page = DecodeSasDevicePage0(bytes); page.ok()) (void)ToString(*page);
  if (const auto page = DecodeExpanderPage0(bytes); page.ok()) (void)ToString(*page);
  if (const auto page = DecodeExpanderPage1(bytes); page.ok()) (void)ToString(*page);
  if (const auto page = DecodeSasPhyPage0(bytes); page.ok()) (void)ToString(*page);
  if (const auto page = DecodeEnclosurePage0(bytes); page.ok()) (void)ToString(*page);
  if (const auto page = DecodeManufacturingPage0(bytes); page.ok()) (void)ToString(*page);
}

void DecodeMessages(ByteSpan bytes) {
  (void)DecodeReplyHeader(bytes);
  (void)DecodeIocInitRequest(bytes);
  (void)DecodeIocFactsReply(bytes);
  (void)DecodeEventNotificationRequest(bytes);
  (void)DecodeEventNotificationReply(bytes);
  (void)DecodeConfigRequest(bytes);
  (void)DecodeConfigReply(bytes);
  (void)DecodeTaskManagementRequest(bytes);
  (void)DecodeTaskManagementReply(bytes);
  (void)DecodeSasControlRequest(bytes);
  (void)DecodeSasControlReply(bytes);
  (void)DecodeSmpPassthroughRequest(bytes);
  (void)DecodeSmpPassthroughReply(bytes);
  (void)DecodeScsiIoRequest(bytes);
  (void)DecodeScsiIoReply(bytes);
}

}  // namespace
}  // namespace sasd::mpi

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const sasd::ByteSpan bytes(data, size);
  sasd::mpi::DecodeEvents(bytes);
  sasd::mpi::DecodePages(bytes);
  sasd::mpi::DecodeMessages(bytes);
  return 0;
}
