#ifndef DRIVER_EMULATOR_SMP_ANSWER_H_
#define DRIVER_EMULATOR_SMP_ANSWER_H_

#include <optional>

#include "driver/base/endian.h"
#include "driver/emulator/fabric_state.h"

namespace sasd::emulator {

struct SmpAnswer {
  Bytes response;
  std::optional<FabricAction> action;  // to be done after the answer is sent
};

}  // namespace sasd::emulator

#endif  // DRIVER_EMULATOR_SMP_ANSWER_H_
