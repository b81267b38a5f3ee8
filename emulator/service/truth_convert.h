#ifndef EMULATOR_SERVICE_TRUTH_CONVERT_H_
#define EMULATOR_SERVICE_TRUTH_CONVERT_H_

#include "emulator/fabric/truth.h"
#include "sas/v1/emulator_service.pb.h"

namespace sasd::emulator {

// The truth of a virtual fabric as the API tells it. Pure.
sas::v1::HostTruth ToProto(const emulator::HostTruth& truth);

}  // namespace sasd::emulator

#endif  // EMULATOR_SERVICE_TRUTH_CONVERT_H_
