#ifndef TESTS_SUPPORT_RANDOM_FABRIC_H_
#define TESTS_SUPPORT_RANDOM_FABRIC_H_

#include <cstdint>

#include "emulator/fabric/fabric.h"

namespace sasd::testing {

// A small fabric by its seed: one or two hosts, no to five expanders in any cascade, links of one
// to four lanes, up to 20 drives with one or two ports, SAS and SATA, in enclosures and without, at
// expanders and hosts; few handles or request frames, report-missing delays.
emulator::FabricSpec RandomFabric(uint64_t seed);

// Some 10,000 drives by a seed: hosts, cascade, SATA share, dual paths. Without report-missing
// delays: in real time nothing would ever be at rest.
emulator::FabricSpec RandomLargeFabric(uint64_t seed);

}  // namespace sasd::testing

#endif  // TESTS_SUPPORT_RANDOM_FABRIC_H_
