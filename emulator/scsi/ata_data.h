#ifndef EMULATOR_SCSI_ATA_DATA_H_
#define EMULATOR_SCSI_ATA_DATA_H_

#include "emulator/scsi/unit.h"

// The 512-byte data structures of a SATA drive (ACS-3), little-endian, with their checksums.
namespace sasd::emulator::scsi {

constexpr size_t kAtaSector = 512;

Bytes IdentifyDevice(const Unit& unit);
Bytes SmartData(const Unit& unit);
Bytes SmartThresholds();
// SMART log `address`: the directory 00h, the summary error log 01h, the self-test log 06h, the
// selective self-test log 09h, each without entries. Empty Bytes for any other log.
Bytes SmartLog(uint8_t address);

}  // namespace sasd::emulator::scsi

#endif  // EMULATOR_SCSI_ATA_DATA_H_
