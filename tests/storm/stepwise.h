#ifndef TESTS_STORM_STEPWISE_H_
#define TESTS_STORM_STEPWISE_H_

#include <cstdint>
#include <ostream>
#include <string>

#include "absl/time/time.h"
#include "tests/support/step.h"

// A stepwise storm: the drivers' steps and what happens to a small fabric, in one order chosen by a
// seed, in one thread and under a clock that stands still. A step may happen in the middle of
// another one, before any request that it sends. So a script does the same each time it is run.
namespace sasd::testing {

// Steps at random on RandomFabric(seed), the last one a Step::kQuiet.
Script MakeStepwiseScript(uint64_t seed, int steps);

struct StepwiseReport {
  std::string failure;  // what was wrong first, with the number of the step; empty: nothing
  std::string promise;  // the one that was broken
  uint64_t events = 0;  // that the firmware delivered
  uint64_t resets = 0;
  uint64_t digest = 0;  // of all that was told
};

// Runs a script. At each Step::kQuiet everything must come to rest, registry and fabric agree, the
// drivers' tables be sound; what is told must be legal at any time, and at the end every object
// have been freed. `log`, if any, gets a line of each step and of all that is told.
StepwiseReport RunStepwise(const Script& script, std::ostream* log = nullptr);

// The most that one may take. It takes milliseconds; with a sanitizer, on a machine that does
// something else, a second.
constexpr absl::Duration kMostStepwiseTime = absl::Minutes(1);

// The same in a child process, whose death, if it dies of a script, is what was wrong, and the
// promise that was broken. Tells nothing but these two.
StepwiseReport RunStepwiseApart(const Script& script);

// The shortest script that breaks the promise that `script` breaks.
Script ShortestOf(const Script& script);

}  // namespace sasd::testing

#endif  // TESTS_STORM_STEPWISE_H_
