#ifndef EMULATOR_SCSI_INQUIRY_H_
#define EMULATOR_SCSI_INQUIRY_H_

#include "emulator/scsi/unit.h"

namespace sasd::emulator::scsi {

// Limits: blocks of one WRITE SAME; blocks and ranges of one UNMAP (block limits VPD page).
constexpr uint64_t kMaxWriteSameBlocks = 0x800;
constexpr uint32_t kMaxUnmapBlocks = 0x400000, kMaxUnmapRanges = 256;

// INQUIRY (SPC-5, 6.6): the standard data, and the vital product data pages 00h, 80h, 83h; for
// drives also 86h, B0h, B1h, B2h, and for SATA drives 89h (SAT-4, 12.4.2). A LUN other than 0 has
// only the standard data, which report that no such unit exists.
Outcome Inquiry(const Unit& unit, const Command& command);

}  // namespace sasd::emulator::scsi

#endif  // EMULATOR_SCSI_INQUIRY_H_
