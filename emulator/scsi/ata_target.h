#ifndef EMULATOR_SCSI_ATA_TARGET_H_
#define EMULATOR_SCSI_ATA_TARGET_H_

#include "emulator/scsi/unit.h"

// A SATA drive behind the HBA's SCSI to ATA translation (SAT-4; ACS-3).
namespace sasd::emulator::scsi {

// The content of the ATA information VPD page: the translation layer's identity, the drive's
// signature and its IDENTIFY DEVICE data.
Bytes AtaInformation(const Unit& unit);

// ATA PASS-THROUGH: IDENTIFY DEVICE, SMART (data, thresholds, logs, enable, disable, status,
// self-tests), CHECK POWER MODE, STANDBY and IDLE IMMEDIATE, FLUSH CACHE, the write cache by SET
// FEATURES, READ VERIFY. A drive aborts other commands, and so does this.
Outcome AtaPassThrough12(const Unit& unit, const Command& command);
Outcome AtaPassThrough16(const Unit& unit, const Command& command);

}  // namespace sasd::emulator::scsi

#endif  // EMULATOR_SCSI_ATA_TARGET_H_
