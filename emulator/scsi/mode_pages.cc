#include "emulator/scsi/mode_pages.h"

#include <vector>

#include "emulator/scsi/byte_writer.h"
#include "emulator/scsi/phy_pages.h"

namespace sasd::emulator::scsi {
namespace {

constexpr uint8_t kAllPages = 0x3F, kAllSubpages = 0xFF;
constexpr uint8_t kCaching = 0x08, kControl = 0x0A, kExceptions = 0x1C;
constexpr uint8_t kSubpageFormat = 0x40, kSaveable = 0x80;
constexpr uint8_t kWriteCache = 0x04;       // caching, byte 2: WCE
constexpr uint8_t kDescriptorSense = 0x04;  // control, byte 2: D_SENSE
constexpr uint8_t kExceptionFlags = 0x18;   // informational exceptions, byte 2: EWASC, DEXCPT
constexpr uint8_t kExceptionMethod = 0x0F;  // byte 3: MRIE
constexpr uint8_t kDpoFua = 0x10;           // device-specific parameter of a drive
constexpr uint8_t kProtocolSas = 0x06;
constexpr size_t kBlockDescriptor = 8;

enum class PageControl : uint8_t { kCurrent = 0, kChangeable = 1, kDefault = 2, kSaved = 3 };

// The page with its header, with the settings `s`.
struct ModePage {
  uint8_t page;
  uint8_t subpage;
  bool sas_only;
  Bytes (*content)(const Unit& unit, const DriveSettings& s);
};

Bytes ErrorRecovery(const Unit&, const DriveSettings&) {
  // AWRE, ARRE; 20 retries of reads and writes; no time limit.
  return ByteWriter().U8(0xC0).U8(20).Zeros(4).U8(20).Zeros(3).Take();
}
Bytes Disconnect(const Unit&, const DriveSettings&) { return Bytes(14); }
Bytes Caching(const Unit&, const DriveSettings& s) {
  return ByteWriter().U8(s.write_cache ? kWriteCache : 0).Zeros(17).Take();
}
Bytes Control(const Unit&, const DriveSettings& s) {
  ByteWriter writer;
  writer.U8(s.descriptor_sense ? kDescriptorSense : 0).U8(0x10);  // unrestricted reordering
  return writer.Zeros(8).Take();
}
Bytes ProtocolUnit(const Unit&, const DriveSettings&) {
  return ByteWriter().U8(kProtocolSas).Zeros(5).Take();
}
Bytes ProtocolPort(const Unit&, const DriveSettings&) {
  constexpr uint16_t kTimeoutMs = 2000;  // I_T nexus loss, initiator response
  return ByteWriter().U8(kProtocolSas).U8(0).Be16(kTimeoutMs).Be16(kTimeoutMs).Zeros(8).Take();
}
Bytes PhyControl(const Unit& unit, const DriveSettings&) {
  const int ports = unit.spec().port_count();
  ByteWriter writer;
  writer.U8(0).U8(kProtocolSas).U8(0).U8(static_cast<uint8_t>(ports));
  for (int port = 0; port < ports; ++port) {
    writer.Append(PhyDescriptor(unit, static_cast<uint8_t>(port), false));
  }
  return writer.Take();
}
Bytes Exceptions(const Unit&, const DriveSettings& s) {
  return ByteWriter().U8(s.exception_flags).U8(s.exception_method).Be32(0).Be32(1).Take();
}

const ModePage kPages[] = {
    {0x01, 0x00, false, ErrorRecovery}, {0x02, 0x00, true, Disconnect},
    {kCaching, 0x00, false, Caching},   {kControl, 0x00, false, Control},
    {0x18, 0x00, true, ProtocolUnit},   {0x19, 0x00, true, ProtocolPort},
    {0x19, 0x01, true, PhyControl},     {kExceptions, 0x00, false, Exceptions},
};

// Which bits of a page's content a host can change.
Bytes Changeable(const ModePage& page, size_t size) {
  Bytes mask(size);
  if (page.page == kCaching) mask[0] = kWriteCache;
  if (page.page == kControl) mask[0] = kDescriptorSense;
  if (page.page == kExceptions) {
    mask[0] = kExceptionFlags;
    mask[1] = kExceptionMethod;
  }
  return mask;
}

void Apply(const ModePage& page, ByteSpan content, DriveSettings& settings) {
  if (page.page == kCaching) settings.write_cache = (content[0] & kWriteCache) != 0;
  if (page.page == kControl) settings.descriptor_sense = (content[0] & kDescriptorSense) != 0;
  if (page.page == kExceptions) {
    settings.exception_flags = content[0];
    settings.exception_method = content[1];
  }
}

void AppendPage(const ModePage& page, const Bytes& content, ByteWriter& writer) {
  if (page.subpage == 0) {
    writer.U8(kSaveable | page.page).U8(static_cast<uint8_t>(content.size()));
  } else {
    writer.U8(kSaveable | kSubpageFormat | page.page).U8(page.subpage);
    writer.Be16(static_cast<uint16_t>(content.size()));
  }
  writer.Append(content);
}

Bytes ContentOf(const Unit& unit, const ModePage& page, PageControl control) {
  switch (control) {
    case PageControl::kChangeable:
      return Changeable(page, page.content(unit, {}).size());
    case PageControl::kDefault:
      return page.content(unit, {});
    default:
      return page.content(unit, unit.settings());
  }
}

bool IsAsked(const Unit& unit, const ModePage& page, uint8_t code, uint8_t subcode) {
  if (page.sas_only && unit.is_sata()) return false;
  return (code == kAllPages || code == page.page) &&
         (subcode == kAllSubpages || subcode == page.subpage);
}

// The requested pages; empty: there are no such pages.
Bytes AskedPages(const Unit& unit, ByteSpan cdb) {
  const uint8_t code = cdb[2] & 0x3F, subcode = cdb[3];
  const auto control = static_cast<PageControl>(cdb[2] >> 6);
  ByteWriter writer;
  for (const ModePage& page : kPages) {
    if (IsAsked(unit, page, code, subcode)) {
      AppendPage(page, ContentOf(unit, page, control), writer);
    }
  }
  return writer.Take();
}

// Empty if DBD disables it.
Bytes BlockDescriptor(const Unit& unit, ByteSpan cdb) {
  if ((cdb[1] & 0x08) != 0) return {};
  const uint64_t blocks = std::min<uint64_t>(unit.block_count(), 0xFFFFFFFF);
  return ByteWriter().Be32(static_cast<uint32_t>(blocks)).Be32(unit.model().block_size).Take();
}

// Reads the pages of a MODE SELECT list. Applies all pages, or none if one is invalid.
Outcome Select(const Unit& unit, ByteSpan list) {
  DriveSettings settings = unit.settings();
  while (!list.empty()) {
    const bool has_subpage = (list[0] & kSubpageFormat) != 0;
    const size_t header = has_subpage ? 4 : 2;
    if (list.size() < header) return ParameterListLength();
    const size_t size = has_subpage ? LoadBe16(list, 2) : list[1];
    if (list.size() - header < size) return ParameterListLength();
    const uint8_t code = list[0] & 0x3F, subcode = has_subpage ? list[1] : 0;
    const ByteSpan content = list.subspan(header, size);
    const auto page = std::find_if(std::begin(kPages), std::end(kPages), [&](const ModePage& p) {
      return p.page == code && p.subpage == subcode && !(p.sas_only && unit.is_sata());
    });
    if (page == std::end(kPages)) return InvalidParameter();
    const Bytes current = page->content(unit, settings);
    if (current.size() != size) return InvalidParameter();
    const Bytes mask = Changeable(*page, size);
    for (size_t i = 0; i < size; ++i) {
      if (((current[i] ^ content[i]) & ~mask[i]) != 0) return InvalidParameter();
    }
    Apply(*page, content, settings);
    list.remove_prefix(header + size);
  }
  unit.memory.SetDrive(unit.key(), settings);
  return {};
}

// `header`: the size of the list's header, whose last bytes are the block descriptors' size.
Outcome ModeSelect(const Unit& unit, const Command& command, size_t size, size_t header) {
  if ((command.cdb[1] & 0x10) == 0) return InvalidCdbField();  // PF: pages in the standard's format
  if (size == 0) return {};
  if (size < header || command.data_out.size() < size) return ParameterListLength();
  const ByteSpan list = command.data_out.subspan(0, size);
  const size_t descriptors = header == 4 ? list[3] : LoadBe16(list, 6);
  if (descriptors != 0 && descriptors != kBlockDescriptor) return InvalidParameter();
  if (size - header < descriptors) return ParameterListLength();
  Outcome outcome = Select(unit, list.subspan(header + descriptors));
  if (!outcome.sense) outcome.transferred = size;
  return outcome;
}

}  // namespace

Outcome ModeSense6(const Unit& unit, const Command& command) {
  const Bytes pages = AskedPages(unit, command.cdb);
  if (pages.empty()) return InvalidCdbField();
  const Bytes descriptor = BlockDescriptor(unit, command.cdb);
  const size_t size = 3 + descriptor.size() + pages.size();  // behind the length field
  ByteWriter writer;
  writer.U8(static_cast<uint8_t>(std::min<size_t>(size, 0xFF))).U8(0).U8(kDpoFua);
  writer.U8(static_cast<uint8_t>(descriptor.size())).Append(descriptor).Append(pages);
  return DataIn(writer.Take(), command.cdb[4], command);
}

Outcome ModeSense10(const Unit& unit, const Command& command) {
  const Bytes pages = AskedPages(unit, command.cdb);
  if (pages.empty()) return InvalidCdbField();
  const Bytes descriptor = BlockDescriptor(unit, command.cdb);
  ByteWriter writer;
  writer.Be16(static_cast<uint16_t>(6 + descriptor.size() + pages.size())).U8(0).U8(kDpoFua);
  writer.Be16(0).Be16(static_cast<uint16_t>(descriptor.size())).Append(descriptor).Append(pages);
  return DataIn(writer.Take(), LoadBe16(command.cdb, 7), command);
}

Outcome ModeSelect6(const Unit& unit, const Command& command) {
  return ModeSelect(unit, command, command.cdb[4], 4);
}
Outcome ModeSelect10(const Unit& unit, const Command& command) {
  return ModeSelect(unit, command, LoadBe16(command.cdb, 7), 8);
}

}  // namespace sasd::emulator::scsi
