#ifndef TESTS_STORM_STEPWISE_H_
#define TESTS_STORM_STEPWISE_H_

#include <cstdint>
#include <ostream>
#include <string>

#include "absl/time/time.h"
#include "tests/storm/path.h"
#include "tests/support/step.h"

// A stepwise storm: the drivers' steps and the acts on a small fabric, in an order from a seed. It
// has one thread, and its clock advances only by steps. A step may happen in the middle of another
// one, before any request that it sends. A script runs the same each time.
namespace sasd::testing {

// Random steps on RandomFabric(seed). The last one is a Step::kQuiet.
Script MakeStepwiseScript(uint64_t seed, int steps);

struct StepwiseReport {
  std::string failure;  // the first failure, with the number of the step; empty: success
  std::string promise;  // the broken one
  uint64_t events = 0;  // delivered by the firmware
  uint64_t resets = 0;
  uint64_t digest = 0;  // of all observations
};

// Runs a script. At each Step::kQuiet everything must come to rest, the registry must equal the
// fabric, and the drivers' tables must be sound. Every observation must be legal. At the end every
// object must be freed. On Path::kPci, the transports' steps run too, steps that make no sense
// there are left out, and no IOC may access memory that is not its arena's. `log`, if not null,
// gets a line for each step and each observation.
StepwiseReport RunStepwise(const Script& script, std::ostream* log = nullptr,
                           Path path = Path::kInProcess);

// The time limit of a stepwise storm. One takes milliseconds, or a second with a sanitizer on a
// busy machine.
constexpr absl::Duration kMostStepwiseTime = absl::Minutes(1);

// RunStepwise() in a child process. If the child dies, the reason is both failure and promise. The
// other fields are not set.
StepwiseReport RunStepwiseApart(const Script& script, Path path = Path::kInProcess);

// The shortest script that breaks the same promise as `script`.
Script ShortestOf(const Script& script, Path path = Path::kInProcess);

}  // namespace sasd::testing

#endif  // TESTS_STORM_STEPWISE_H_
