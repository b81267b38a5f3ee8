#ifndef DAEMON_DIAGNOSIS_DIAGNOSE_H_
#define DAEMON_DIAGNOSIS_DIAGNOSE_H_

#include <vector>

#include "daemon/diagnosis/check.h"
#include "daemon/diagnosis/live_system.h"
#include "daemon/registry/topology.h"

namespace sasd {

// What sasd sees of a live machine and what not, in the order in which it is to be mended. Pure.
std::vector<DiagnosisCheck> DiagnoseLive(const LiveSystem& live,
                                         const registry::Topology& topology);

}  // namespace sasd

#endif  // DAEMON_DIAGNOSIS_DIAGNOSE_H_
