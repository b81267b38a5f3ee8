#ifndef DAEMON_SERVICE_TRUTH_CONVERT_H_
#define DAEMON_SERVICE_TRUTH_CONVERT_H_

#include "driver/emulator/truth.h"
#include "sas/v1/emulator_service.pb.h"

namespace sasd::service {

// The truth of a virtual fabric as the API tells it. Pure.
sas::v1::HostTruth ToProto(const emulator::HostTruth& truth);

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_TRUTH_CONVERT_H_
