#ifndef DRIVER_EMULATOR_SMP_TARGET_H_
#define DRIVER_EMULATOR_SMP_TARGET_H_

#include <optional>

#include "driver/base/endian.h"
#include "driver/emulator/fabric_state.h"

namespace sasd::emulator {

// What a host or expander is asked to do to one of its phys.
struct PhyAction {
  PhyRef phy;
  PhyOperation operation = PhyOperation::kLinkReset;
};

struct SmpAnswer {
  Bytes response;
  std::optional<PhyAction> action;  // to be done after the answer is sent
};

// The SMP target of a node: REPORT GENERAL, REPORT MANUFACTURER INFORMATION, DISCOVER, REPORT PHY
// ERROR LOG, PHY CONTROL. Other functions get "unknown SMP function". Total over any request bytes.
SmpAnswer AnswerSmp(const FabricState& fabric, NodeRef node, ByteSpan request);

}  // namespace sasd::emulator

#endif  // DRIVER_EMULATOR_SMP_TARGET_H_
