#ifndef TESTS_SUPPORT_TRUTH_CHECK_H_
#define TESTS_SUPPORT_TRUTH_CHECK_H_

#include <string>
#include <vector>

#include "daemon/registry/topology.h"
#include "emulator/fabric/truth.h"

namespace sasd::testing {

// The differences between the registry's picture of a host and the fabric's truth, up to `limit`
// lines. Each line is a fact: "-" if only the fabric has it, "+" if only the registry has it.
// Compares hosts, phys, expanders, end devices with their first logical unit, enclosures and
// handles.
std::vector<std::string> DifferencesFromTruth(const registry::Topology& topology,
                                              const emulator::HostTruth& truth, size_t limit = 10);

}  // namespace sasd::testing

#endif  // TESTS_SUPPORT_TRUTH_CHECK_H_
