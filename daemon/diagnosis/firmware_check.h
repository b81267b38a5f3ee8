#ifndef DAEMON_DIAGNOSIS_FIRMWARE_CHECK_H_
#define DAEMON_DIAGNOSIS_FIRMWARE_CHECK_H_

#include "daemon/diagnosis/check.h"
#include "daemon/diagnosis/live_system.h"
#include "daemon/registry/resources.h"

namespace sasd {

// Checks whether a host's firmware reports to sasd through its driver's control node, and names
// what stays unknown without it. Pure.
DiagnosisCheck CheckFirmware(const registry::Host& host, const LiveSystem& live);

}  // namespace sasd

#endif  // DAEMON_DIAGNOSIS_FIRMWARE_CHECK_H_
