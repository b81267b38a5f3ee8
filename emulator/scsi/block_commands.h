#ifndef EMULATOR_SCSI_BLOCK_COMMANDS_H_
#define EMULATOR_SCSI_BLOCK_COMMANDS_H_

#include "emulator/scsi/unit.h"

// The commands on a drive's blocks (SBC-4, clause 5), over the block store of the unit's memory.
// The last digits are the CDB's size; operations of one layout share a function.
namespace sasd::emulator::scsi {

Outcome ReadCapacity10(const Unit& unit, const Command& command);
Outcome ReadCapacity16(const Unit& unit, const Command& command);

Outcome Read6(const Unit& unit, const Command& command);
Outcome Read10(const Unit& unit, const Command& command);
Outcome Read12(const Unit& unit, const Command& command);
Outcome Read16(const Unit& unit, const Command& command);
Outcome Write6(const Unit& unit, const Command& command);
Outcome Write10(const Unit& unit, const Command& command);  // also WRITE AND VERIFY
Outcome Write12(const Unit& unit, const Command& command);
Outcome Write16(const Unit& unit, const Command& command);  // also WRITE AND VERIFY
Outcome Verify10(const Unit& unit, const Command& command);
Outcome Verify16(const Unit& unit, const Command& command);
Outcome SynchronizeCache10(const Unit& unit, const Command& command);
Outcome SynchronizeCache16(const Unit& unit, const Command& command);
Outcome WriteSame10(const Unit& unit, const Command& command);
Outcome WriteSame16(const Unit& unit, const Command& command);
Outcome Unmap(const Unit& unit, const Command& command);

Outcome StartStopUnit(const Unit& unit, const Command& command);
Outcome ReadDefectData10(const Unit& unit, const Command& command);
Outcome ReadDefectData12(const Unit& unit, const Command& command);

}  // namespace sasd::emulator::scsi

#endif  // EMULATOR_SCSI_BLOCK_COMMANDS_H_
