#ifndef EMULATOR_SCSI_MODE_PAGES_H_
#define EMULATOR_SCSI_MODE_PAGES_H_

#include "emulator/scsi/unit.h"

// The mode pages of a drive (SPC-5, 7.5; SBC-4, 6.5; SPL-4, 9.2.7): error recovery 01h, disconnect
// 02h, caching 08h, control 0Ah, informational exceptions 1Ch. A SAS drive also has the protocol
// pages 18h, 19h, and 19h/01h with its phys. A host can change WCE, D_SENSE, DEXCPT, EWASC and
// MRIE. Saved values are the current ones.
namespace sasd::emulator::scsi {

Outcome ModeSense6(const Unit& unit, const Command& command);
Outcome ModeSense10(const Unit& unit, const Command& command);
// Checks the whole list before it applies any of it.
Outcome ModeSelect6(const Unit& unit, const Command& command);
Outcome ModeSelect10(const Unit& unit, const Command& command);

}  // namespace sasd::emulator::scsi

#endif  // EMULATOR_SCSI_MODE_PAGES_H_
