#ifndef EMULATOR_SCSI_PHY_PAGES_H_
#define EMULATOR_SCSI_PHY_PAGES_H_

#include "emulator/scsi/unit.h"

namespace sasd::emulator::scsi {

// A SAS drive's phy, as in its phy control mode page and its protocol-specific port log page
// (SPL-4, 9.2.7.5 and 9.2.8.1): 48 bytes of the same layout. The phy has the port's number. Log
// page (`with_errors`): the errors that the other end of the link has counted. Mode page: the
// supported and the allowed rates.
Bytes PhyDescriptor(const Unit& unit, uint8_t port, bool with_errors);

}  // namespace sasd::emulator::scsi

#endif  // EMULATOR_SCSI_PHY_PAGES_H_
