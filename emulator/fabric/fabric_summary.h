#ifndef EMULATOR_FABRIC_FABRIC_SUMMARY_H_
#define EMULATOR_FABRIC_FABRIC_SUMMARY_H_

#include <string>

#include "emulator/fabric/fabric.h"

namespace sasd::emulator {

// What is in a valid fabric, for people: a line of counts ("1 host, 2 expanders, 1 enclosure with
// 60 slots, 12 drives (4 SATA), 1 SES device, 8 lanes of cable") and an indented line for each
// host, each ended by a line end.
std::string Summarize(const FabricSpec& fabric);

}  // namespace sasd::emulator

#endif  // EMULATOR_FABRIC_FABRIC_SUMMARY_H_
