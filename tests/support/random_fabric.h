#ifndef TESTS_SUPPORT_RANDOM_FABRIC_H_
#define TESTS_SUPPORT_RANDOM_FABRIC_H_

#include <cstdint>

#include "emulator/fabric/fabric.h"

namespace sasd::testing {

// A small fabric from a seed: one or two hosts, up to five expanders in any cascade, links of one
// to four lanes, and up to four SAS and SATA drives at each host and expander, with one or two
// ports, in enclosures or not. Hosts have few handles; some have few request frames or
// report-missing delays.
emulator::FabricSpec RandomFabric(uint64_t seed);

// A fabric of some 10,000 drives from a seed, which chooses hosts, cascade, SATA share and dual
// paths. It has no report-missing delays: in real time nothing would come to rest.
emulator::FabricSpec RandomLargeFabric(uint64_t seed);

}  // namespace sasd::testing

#endif  // TESTS_SUPPORT_RANDOM_FABRIC_H_
