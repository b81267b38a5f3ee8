#ifndef DAEMON_DIAGNOSIS_DIAGNOSE_H_
#define DAEMON_DIAGNOSIS_DIAGNOSE_H_

#include <vector>

#include "daemon/diagnosis/check.h"
#include "daemon/diagnosis/live_system.h"
#include "daemon/registry/topology.h"

namespace sasd {

// Returns what sasd sees of a live machine and what it does not see, in the order in which problems
// should be solved. Pure.
std::vector<DiagnosisCheck> DiagnoseLive(const LiveSystem& live,
                                         const registry::Topology& topology);

}  // namespace sasd

#endif  // DAEMON_DIAGNOSIS_DIAGNOSE_H_
