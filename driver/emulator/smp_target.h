#ifndef DRIVER_EMULATOR_SMP_TARGET_H_
#define DRIVER_EMULATOR_SMP_TARGET_H_

#include "driver/base/endian.h"
#include "driver/emulator/fabric_state.h"
#include "driver/emulator/smp_answer.h"

namespace sasd::emulator {

// The SMP target of a node, as a self-configuring SAS-3 expander without zoning answers (SPL-4,
// 9.4.4). Other functions get "unknown SMP function"; so do most for a host, which has no more than
// REPORT GENERAL, REPORT MANUFACTURER INFORMATION, DISCOVER, REPORT PHY ERROR LOG and PHY CONTROL.
// Total over any request bytes.
SmpAnswer AnswerSmp(const FabricState& fabric, NodeRef node, ByteSpan request);

}  // namespace sasd::emulator

#endif  // DRIVER_EMULATOR_SMP_TARGET_H_
