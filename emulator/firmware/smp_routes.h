#ifndef EMULATOR_FIRMWARE_SMP_ROUTES_H_
#define EMULATOR_FIRMWARE_SMP_ROUTES_H_

#include "driver/base/sas_address.h"
#include "driver/wire/smp/smp.h"
#include "emulator/fabric/fabric_state.h"
#include "emulator/firmware/smp_answer.h"

// The SMP target's (smp_target.h) answers about its expander's routes: the devices behind the
// expanders on its table routed phys, level by level (SPL-4's order). The expander at such a phy
// needs no route. `phy` exists; responses are whole.
namespace sasd::emulator {

constexpr uint16_t kRouteIndexes = 1024;  // of each phy

SmpAnswer ReportRouteInformation(const FabricState& fabric, PhyRef phy,
                                 const mpi::SmpRequest& request);
// With the 48 phys from `phy` on.
SmpAnswer ReportExpanderRouteTableList(const FabricState& fabric, PhyRef phy,
                                       const mpi::SmpRequest& request);

// The host that is the fewest expanders away from `expander`; 0: there is none.
SasAddress NearestHost(const FabricState& fabric, uint32_t expander);

}  // namespace sasd::emulator

#endif  // EMULATOR_FIRMWARE_SMP_ROUTES_H_
