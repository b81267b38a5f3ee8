#ifndef DAEMON_DIAGNOSIS_FIRMWARE_CHECK_H_
#define DAEMON_DIAGNOSIS_FIRMWARE_CHECK_H_

#include "daemon/diagnosis/check.h"
#include "daemon/diagnosis/live_system.h"
#include "daemon/registry/resources.h"

namespace sasd {

// Whether a host's firmware tells what it sees, through the control node of its driver; or what
// stays unknown without. Pure.
DiagnosisCheck CheckFirmware(const registry::Host& host, const LiveSystem& live);

}  // namespace sasd

#endif  // DAEMON_DIAGNOSIS_FIRMWARE_CHECK_H_
