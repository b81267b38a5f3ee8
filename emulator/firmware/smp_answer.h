#ifndef EMULATOR_FIRMWARE_SMP_ANSWER_H_
#define EMULATOR_FIRMWARE_SMP_ANSWER_H_

#include <optional>

#include "driver/base/endian.h"
#include "emulator/fabric/fabric_state.h"

namespace sasd::emulator {

struct SmpAnswer {
  Bytes response;
  std::optional<FabricAction> action;  // to be done after the answer is sent
};

}  // namespace sasd::emulator

#endif  // EMULATOR_FIRMWARE_SMP_ANSWER_H_
