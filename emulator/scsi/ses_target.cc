#include "emulator/scsi/ses_target.h"

#include <string>

#include "emulator/scsi/byte_writer.h"
#include "emulator/scsi/ses_elements.h"

namespace sasd::emulator::scsi {
namespace {

enum Page : uint8_t {
  kSupported = 0x00,
  kConfiguration = 0x01,
  kStatus = 0x02,  // enclosure control, when sent
  kThresholds = 0x05,
  kElementDescriptors = 0x07,
  kAdditionalStatus = 0x0A,
  kDownloadStatus = 0x0E,
};
constexpr uint32_t kGeneration = 1;  // the configuration does not change
constexpr uint8_t kSelect = 0x80;
// The bits of a slot's control element that are kept.
constexpr uint8_t kIndicators = 0x4E, kFault = 0x20;
constexpr uint8_t kElementIndexPresent = 0x10, kProtocolSas = 0x06;

// SES-3, 6.1.2.
Bytes Configuration(const Unit& unit, const SesElements& elements) {
  ByteWriter writer;
  writer.Be32(kGeneration);
  const uint8_t process = static_cast<uint8_t>(elements.own_process() + 1);
  writer.U8(static_cast<uint8_t>((process & 7) << 4 | (elements.process_count() & 7))).U8(0);
  writer.U8(static_cast<uint8_t>(elements.groups().size())).U8(36);
  writer.Address(elements.enclosure().logical_id);
  writer.Text(unit.model().vendor, 8).Text(unit.model().product, 16);
  writer.Text(unit.model().revision, 4);
  for (const ElementGroup& group : elements.groups()) {
    writer.U8(static_cast<uint8_t>(group.type)).U8(group.count).U8(0);
    writer.U8(static_cast<uint8_t>(std::string(group.text).size()));
  }
  for (const ElementGroup& group : elements.groups()) {
    writer.Text(group.text, std::string(group.text).size());
  }
  return writer.Take();
}

// Four bytes for each group and each element.
Bytes FourByteElements(const SesElements& elements,
                       Bytes (SesElements::*of)(ElementType, int) const) {
  ByteWriter writer;
  writer.Be32(kGeneration);
  for (const ElementGroup& group : elements.groups()) {
    writer.Zeros(4);  // the group as a whole
    for (int i = 0; i < group.count; ++i) writer.Append((elements.*of)(group.type, i));
  }
  return writer.Take();
}

Bytes ElementDescriptors(const SesElements& elements) {
  ByteWriter writer;
  const auto put = [&](const std::string& text) {
    writer.Be16(0).Be16(static_cast<uint16_t>(text.size())).Text(text, text.size());
  };
  writer.Be32(kGeneration);
  for (const ElementGroup& group : elements.groups()) {
    put(group.text);
    for (int i = 0; i < group.count; ++i) put(elements.Descriptor(group.type, i));
  }
  return writer.Take();
}

Bytes AdditionalStatus(const SesElements& elements) {
  ByteWriter writer;
  writer.Be32(kGeneration);
  uint8_t index = 0;
  const auto put = [&](const Bytes& content) {
    writer.U8(kElementIndexPresent | kProtocolSas).U8(static_cast<uint8_t>(content.size() + 2));
    writer.U8(0).U8(index++).Append(content);
  };
  for (const ElementGroup& group : elements.groups()) {
    for (int i = 0; i < group.count; ++i) {
      if (group.type == ElementType::kSlot) put(elements.SlotPhys(i));
      if (group.type == ElementType::kExpander) put(elements.ExpanderPhys(i));
    }
  }
  return writer.Take();
}

// No download is in progress, and none can be started.
Bytes DownloadStatus() { return ByteWriter().Be32(kGeneration).Zeros(16).Take(); }

std::optional<Bytes> ContentOf(const Unit& unit, uint8_t page) {
  if (page == kSupported) {
    return Bytes{kSupported,          kConfiguration,    kStatus,        kThresholds,
                 kElementDescriptors, kAdditionalStatus, kDownloadStatus};
  }
  if (unit.spec().enclosure == kNoIndex) return std::nullopt;
  const SesElements elements(unit);
  switch (page) {
    case kConfiguration:
      return Configuration(unit, elements);
    case kStatus:
      return FourByteElements(elements, &SesElements::Status);
    case kThresholds:
      return FourByteElements(elements, &SesElements::Thresholds);
    case kElementDescriptors:
      return ElementDescriptors(elements);
    case kAdditionalStatus:
      return AdditionalStatus(elements);
    case kDownloadStatus:
      return DownloadStatus();
    default:
      return std::nullopt;
  }
}

// The slots are the first group: their elements lie behind the page's header, in the list's order.
Outcome Control(const Unit& unit, ByteSpan list) {
  constexpr size_t kHeader = 8, kElement = 4;
  if (list.size() < kHeader + kElement) return ParameterListLength();
  const size_t size = size_t{4} + LoadBe16(list, 2);
  if (size > list.size()) return ParameterListLength();
  if (LoadBe32(list, 4) != kGeneration) return InvalidParameter();
  const SesElements elements(unit);
  const ByteSpan whole = list.subspan(kHeader, kElement);
  for (int slot = 0; slot < elements.groups().front().count; ++slot) {
    const size_t at = kHeader + kElement * (1 + static_cast<size_t>(slot));
    if (at + kElement > size) break;  // a host may send fewer elements
    const ByteSpan own = list.subspan(at, kElement);
    const bool all = (whole[0] & kSelect) != 0;
    if (!all && (own[0] & kSelect) == 0) continue;
    const ByteSpan asked = (own[0] & kSelect) != 0 ? own : whole;
    SlotRequest request;
    request.array = asked[1];
    request.indicators = asked[2] & kIndicators;
    request.fault = asked[3] & kFault;
    unit.memory.SetSlot(elements.enclosure_index(), static_cast<uint16_t>(slot), request);
  }
  Outcome outcome;
  outcome.transferred = list.size();
  return outcome;
}

}  // namespace

Outcome ReceiveDiagnosticResults(const Unit& unit, const Command& command) {
  const bool page_valid = (command.cdb[1] & 0x01) != 0;  // PCV
  const uint8_t page = command.cdb[2];
  if (!page_valid) return InvalidCdbField();
  const std::optional<Bytes> content = ContentOf(unit, page);
  if (!content) return InvalidCdbField();
  ByteWriter writer;
  writer.U8(page).U8(0).Be16(static_cast<uint16_t>(content->size())).Append(*content);
  return DataIn(writer.Take(), LoadBe16(command.cdb, 3), command);
}

Outcome SendDiagnostic(const Unit& unit, const Command& command) {
  const bool self_test = (command.cdb[1] & 0x04) != 0;
  const size_t size = LoadBe16(command.cdb, 3);
  if (self_test || size == 0) return {};
  if (unit.is_disk() || unit.spec().enclosure == kNoIndex) return InvalidCdbField();
  if (command.data_out.size() < size) return ParameterListLength();
  if (command.data_out[0] != kStatus) return InvalidParameter();
  return Control(unit, command.data_out.subspan(0, size));
}

}  // namespace sasd::emulator::scsi
