#include "emulator/scsi/log_pages.h"

#include <vector>

#include "emulator/scsi/byte_writer.h"
#include "emulator/scsi/phy_pages.h"

namespace sasd::emulator::scsi {
namespace {

constexpr uint8_t kList = 0x03;     // parameter control: binary, a list
constexpr uint8_t kCounter = 0x00;  // a bounded counter
constexpr uint8_t kAscii = 0x01;
constexpr uint8_t kReferenceCelsius = 60, kReferenceCelsiusSolid = 70;
constexpr uint16_t kSelfTests = 20;
constexpr uint8_t kProtocolSas = 0x06;

ByteWriter& Parameter(ByteWriter& writer, uint16_t code, uint8_t control, const Bytes& value) {
  return writer.Be16(code).U8(control).U8(static_cast<uint8_t>(value.size())).Append(value);
}

// Counters 0 to 6 of a kind of access: corrected at once, later, rewrites, corrected, times the
// algorithm ran, gigabytes, uncorrected.
Bytes ErrorCounters(const Unit&) {
  ByteWriter writer;
  for (uint16_t code = 0; code <= 6; ++code) Parameter(writer, code, kCounter, Bytes(8));
  return writer.Take();
}

Bytes NonMediumErrors(const Unit&) {
  ByteWriter writer;
  return Parameter(writer, 0, kCounter, Bytes(8)).Take();
}

Bytes Temperature(const Unit& unit) {
  const DriveCondition condition = ConditionOf(unit);
  ByteWriter writer;
  Parameter(writer, 0, kList, {0, condition.celsius});
  return Parameter(writer, 1, kList, {0, condition.reference_celsius}).Take();
}

Bytes StartStopCycles(const Unit& unit) {
  const auto date = [](absl::string_view year, absl::string_view week) {
    return ByteWriter().Text(year, 4).Text(week, 2).Take();
  };
  const auto count = [](uint32_t value) { return ByteWriter().Be32(value).Take(); };
  const uint32_t cycles = ConditionOf(unit).power_cycles;
  ByteWriter writer;
  Parameter(writer, 1, kAscii, date("2018", "12"));  // made
  Parameter(writer, 2, kAscii, date("    ", "  "));  // accounted
  Parameter(writer, 3, kList, count(50000));         // cycles in a lifetime
  Parameter(writer, 4, kList, count(cycles));
  Parameter(writer, 5, kList, count(600000));  // loads and unloads in a lifetime
  return Parameter(writer, 6, kList, count(cycles)).Take();
}

Bytes SelfTests(const Unit&) {
  ByteWriter writer;
  for (uint16_t code = 1; code <= kSelfTests; ++code) Parameter(writer, code, kList, Bytes(16));
  return writer.Take();
}

Bytes SolidStateMedia(const Unit&) {
  ByteWriter writer;
  return Parameter(writer, 1, kList, {0, 0, 0, 0}).Take();  // percentage of endurance used
}

// No scan is active; no medium error was found.
Bytes BackgroundScan(const Unit& unit) {
  ByteWriter status;
  status.Be32(ConditionOf(unit).power_on_hours * 60).Zeros(8);
  ByteWriter writer;
  return Parameter(writer, 0, kList, status.Take()).Take();
}

Bytes Phys(const Unit& unit) {
  ByteWriter writer;
  for (uint8_t port = 0; port < unit.spec().port_count(); ++port) {
    ByteWriter value;
    value.U8(kProtocolSas).U8(0).U8(0).U8(1).Append(PhyDescriptor(unit, port, true));
    Parameter(writer, port + 1, kList, value.Take());
  }
  return writer.Take();
}

Bytes InformationalExceptions(const Unit& unit) {
  const DriveCondition condition = ConditionOf(unit);
  ByteWriter writer;
  return Parameter(writer, 0, kList, {0, 0, condition.celsius, condition.reference_celsius}).Take();
}

struct LogPage {
  uint8_t page;
  bool (*has)(const Unit& unit);
  Bytes (*content)(const Unit& unit);
};

bool Always(const Unit&) { return true; }
bool OfSas(const Unit& unit) { return !unit.is_sata(); }
bool OfSolidState(const Unit& unit) { return unit.model().solid_state; }

Bytes Supported(const Unit& unit);

const LogPage kPages[] = {
    {0x00, Always, Supported},
    {0x02, OfSas, ErrorCounters},
    {0x03, OfSas, ErrorCounters},
    {0x05, OfSas, ErrorCounters},
    {0x06, OfSas, NonMediumErrors},
    {0x0D, Always, Temperature},
    {0x0E, OfSas, StartStopCycles},
    {0x10, Always, SelfTests},
    {0x11, OfSolidState, SolidStateMedia},
    {0x15, OfSas, BackgroundScan},
    {0x18, OfSas, Phys},
    {0x2F, Always, InformationalExceptions},
};

Bytes Supported(const Unit& unit) {
  ByteWriter writer;
  for (const LogPage& page : kPages) {
    if (page.has(unit)) writer.U8(page.page);
  }
  return writer.Take();
}

}  // namespace

DriveCondition ConditionOf(const Unit& unit) {
  // Mixes the bits: names of neighbours differ in their last bits alone.
  const uint64_t mixed = unit.key().value() * 0x9E3779B97F4A7C15;
  DriveCondition condition;
  condition.celsius = static_cast<uint8_t>(24 + (mixed >> 60));
  condition.reference_celsius =
      unit.model().solid_state ? kReferenceCelsiusSolid : kReferenceCelsius;
  condition.power_on_hours = 1000 + (mixed >> 32 & 0x7FFF);
  condition.power_cycles = 4 + (mixed >> 24 & 0x3F);
  return condition;
}

Outcome LogSense(const Unit& unit, const Command& command) {
  const uint8_t code = command.cdb[2] & 0x3F, subcode = command.cdb[3];
  const auto page = std::find_if(std::begin(kPages), std::end(kPages),
                                 [&](const LogPage& p) { return p.page == code && p.has(unit); });
  if (page == std::end(kPages) || subcode != 0) return InvalidCdbField();
  const Bytes content = page->content(unit);
  ByteWriter writer;
  writer.U8(code).U8(0).Be16(static_cast<uint16_t>(content.size())).Append(content);
  return DataIn(writer.Take(), LoadBe16(command.cdb, 7), command);
}

}  // namespace sasd::emulator::scsi
