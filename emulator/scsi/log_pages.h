#ifndef EMULATOR_SCSI_LOG_PAGES_H_
#define EMULATOR_SCSI_LOG_PAGES_H_

#include "emulator/scsi/unit.h"

namespace sasd::emulator::scsi {

// A drive's age and temperature. Virtual drives do not wear, so the values are made up from the
// world wide name. They are the same on every call.
struct DriveCondition {
  uint8_t celsius;  // 24 to 39
  uint8_t reference_celsius;
  uint32_t power_on_hours;
  uint32_t power_cycles;
};
DriveCondition ConditionOf(const Unit& unit);

// LOG SENSE (SPC-5, 7.3): the supported pages 00h, the error counters 02h, 03h, 05h and 06h, the
// temperature 0Dh, start-stop cycles 0Eh, self-test results 10h, solid state media 11h, the
// background scan 15h, of SAS drives the phys 18h, informational exceptions 2Fh.
Outcome LogSense(const Unit& unit, const Command& command);

}  // namespace sasd::emulator::scsi

#endif  // EMULATOR_SCSI_LOG_PAGES_H_
