#ifndef EMULATOR_SCSI_SES_TARGET_H_
#define EMULATOR_SCSI_SES_TARGET_H_

#include "emulator/scsi/unit.h"

// An enclosure's services (SES-3), of the enclosure that the SES device is in. It has an array
// device slot element for each slot, an element for each SAS expander and each connector, and
// temperature sensors, fans, power supplies, the processes' electronics and the enclosure itself.
//
// A process sees the enclosure from its side, as real ones do: what the additional element status
// page tells of a drive is its port on the side of the expander that the process sits at, and of
// expanders those that can be reached from there within the enclosure. What a host asks of a slot
// is seen by all processes of the enclosure.
namespace sasd::emulator::scsi {

// Pages 00h, 01h, 02h, 05h, 07h, 0Ah, 0Eh.
Outcome ReceiveDiagnosticResults(const Unit& unit, const Command& command);
// Page 02h: rebuild, hot spare and the like, ident, remove, insert, do not remove, fault of slots;
// what else is asked for is accepted and left out. A drive's: its self-test, which passes.
Outcome SendDiagnostic(const Unit& unit, const Command& command);

}  // namespace sasd::emulator::scsi

#endif  // EMULATOR_SCSI_SES_TARGET_H_
