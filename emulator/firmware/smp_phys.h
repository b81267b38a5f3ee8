#ifndef EMULATOR_FIRMWARE_SMP_PHYS_H_
#define EMULATOR_FIRMWARE_SMP_PHYS_H_

#include "driver/wire/smp/smp.h"
#include "emulator/fabric/fabric_state.h"
#include "emulator/firmware/smp_answer.h"

// The SMP target's (smp_target.h) answers about its phys. `phy` exists; responses are whole.
namespace sasd::emulator {

SmpAnswer Discover(const FabricState& fabric, PhyRef phy, const mpi::SmpRequest& request);
// From `phy` on.
SmpAnswer DiscoverList(const FabricState& fabric, PhyRef phy, const mpi::SmpRequest& request);
SmpAnswer ReportPhyErrorLog(const FabricState& fabric, PhyRef phy, const mpi::SmpRequest& request);
SmpAnswer ReportPhyEvent(const FabricState& fabric, PhyRef phy, const mpi::SmpRequest& request);
SmpAnswer ReportPhySata(const FabricState& fabric, PhyRef phy, const mpi::SmpRequest& request);
SmpAnswer ControlPhy(const FabricState& fabric, PhyRef phy, const mpi::SmpRequest& request);

}  // namespace sasd::emulator

#endif  // EMULATOR_FIRMWARE_SMP_PHYS_H_
