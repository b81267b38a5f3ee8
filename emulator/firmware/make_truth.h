#ifndef EMULATOR_FIRMWARE_MAKE_TRUTH_H_
#define EMULATOR_FIRMWARE_MAKE_TRUTH_H_

#include "emulator/fabric/fabric_state.h"
#include "emulator/fabric/truth.h"
#include "emulator/firmware/reported_topology.h"

namespace sasd::emulator {

// What the host of `topology` can reach in `fabric` now. `topology` supplies the host's index, its
// port numbers and the handles; the fabric supplies the rest. Pure.
HostTruth MakeTruth(const FabricState& fabric, const ReportedTopology& topology);

}  // namespace sasd::emulator

#endif  // EMULATOR_FIRMWARE_MAKE_TRUTH_H_
