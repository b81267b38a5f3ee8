#ifndef EMULATOR_SERVICE_TRUTH_CONVERT_H_
#define EMULATOR_SERVICE_TRUTH_CONVERT_H_

#include "emulator/fabric/truth.h"
#include "sas/emulator/v1/truth.pb.h"

namespace sasd::emulator {

// The truth of a virtual fabric as the API shows it. Pure.
sas::emulator::v1::HostTruth ToProto(const emulator::HostTruth& truth);

}  // namespace sasd::emulator

#endif  // EMULATOR_SERVICE_TRUTH_CONVERT_H_
