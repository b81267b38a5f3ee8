#ifndef TESTS_STORM_SHRINK_H_
#define TESTS_STORM_SHRINK_H_

#include <vector>

#include "absl/functional/function_ref.h"
#include "tests/support/step.h"

namespace sasd::testing {

// Returns a shorter list of steps that still fails (delta debugging). In the result, `fails` is
// false after any step is left out, moved out of another step, or given half its count. The search
// ends early after `tries` calls of `fails`. `fails(steps)` must be true.
std::vector<Step> Shrink(std::vector<Step> steps,
                         absl::FunctionRef<bool(const std::vector<Step>&)> fails,
                         int tries = 10'000);

}  // namespace sasd::testing

#endif  // TESTS_STORM_SHRINK_H_
