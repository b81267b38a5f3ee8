#ifndef EMULATOR_SCSI_PHY_PAGES_H_
#define EMULATOR_SCSI_PHY_PAGES_H_

#include "emulator/scsi/unit.h"

namespace sasd::emulator::scsi {

// A SAS drive's phy as its phy control mode page and its protocol-specific port log page tell of it
// (SPL-4, 9.2.7.5 and 9.2.8.1): 48 bytes of the same layout; the phy has the port's number.
// Log page: `with_errors`, those that the other end of the link has counted; mode page: the rates
// that are supported and allowed.
Bytes PhyDescriptor(const Unit& unit, uint8_t port, bool with_errors);

}  // namespace sasd::emulator::scsi

#endif  // EMULATOR_SCSI_PHY_PAGES_H_
