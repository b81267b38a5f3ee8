#ifndef EMULATOR_SCSI_SES_TARGET_H_
#define EMULATOR_SCSI_SES_TARGET_H_

#include "emulator/scsi/unit.h"

// The services (SES-3) of the enclosure that the SES device is in. It has an array device slot
// element for each slot, an element for each SAS expander and each connector, and elements for
// temperature sensors, fans, power supplies, the processes' electronics and the enclosure itself.
//
// A process sees the enclosure from its side, as real ones do. Its additional element status page
// shows a drive's port at the process's own expander, and the expanders that can be reached from
// there within the enclosure. All processes of the enclosure see a host's request to a slot.
namespace sasd::emulator::scsi {

// Pages 00h, 01h, 02h, 05h, 07h, 0Ah, 0Eh.
Outcome ReceiveDiagnosticResults(const Unit& unit, const Command& command);
// Page 02h: applies the slots' rebuild, hot spare and the like, ident, remove, insert, do not
// remove, and fault. Accepts and ignores other requests. On a drive: its self-test, which passes.
Outcome SendDiagnostic(const Unit& unit, const Command& command);

}  // namespace sasd::emulator::scsi

#endif  // EMULATOR_SCSI_SES_TARGET_H_
