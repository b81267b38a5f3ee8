#ifndef EMULATOR_FIRMWARE_SMP_TARGET_H_
#define EMULATOR_FIRMWARE_SMP_TARGET_H_

#include "driver/base/endian.h"
#include "emulator/fabric/fabric_state.h"
#include "emulator/firmware/smp_answer.h"

namespace sasd::emulator {

// The SMP target of a node. It answers as a self-configuring SAS-3 expander without zoning does
// (SPL-4, 9.4.4). Other functions get "unknown SMP function". A host answers only REPORT GENERAL,
// REPORT MANUFACTURER INFORMATION, DISCOVER, REPORT PHY ERROR LOG and PHY CONTROL. Total over any
// request bytes.
SmpAnswer AnswerSmp(const FabricState& fabric, NodeRef node, ByteSpan request);

}  // namespace sasd::emulator

#endif  // EMULATOR_FIRMWARE_SMP_TARGET_H_
