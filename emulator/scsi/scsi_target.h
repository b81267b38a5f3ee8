#ifndef EMULATOR_SCSI_SCSI_TARGET_H_
#define EMULATOR_SCSI_SCSI_TARGET_H_

#include <cstdint>

#include "driver/base/endian.h"
#include "emulator/scsi/unit.h"

namespace sasd::emulator::scsi {

// The result of a SCSI command.
struct ScsiResult {
  uint8_t status = 0;      // SAM: 0 good, 2 check condition
  size_t transferred = 0;  // bytes put into data_in, or taken from data_out
  Bytes sense;             // empty unless check condition
};

// Runs a command on a logical unit of an end device: SAS and SATA drives, SES devices. The
// command's LUN says which; `unit.lun` is ignored.
// Total over any CDB and data: an unknown command ends with "illegal request".
ScsiResult ExecuteScsi(const Unit& unit, const Command& command);

}  // namespace sasd::emulator::scsi

#endif  // EMULATOR_SCSI_SCSI_TARGET_H_
