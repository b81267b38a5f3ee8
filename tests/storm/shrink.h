#ifndef TESTS_STORM_SHRINK_H_
#define TESTS_STORM_SHRINK_H_

#include <vector>

#include "absl/functional/function_ref.h"
#include "tests/support/step.h"

namespace sasd::testing {

// A short list of steps that fails as `steps` does: no step can be left out of it, happen outside
// of another one, or have its count lowered, without `fails` saying false (delta debugging); or as
// far as `tries` calls of `fails` lead. `fails(steps)` is true.
std::vector<Step> Shrink(std::vector<Step> steps,
                         absl::FunctionRef<bool(const std::vector<Step>&)> fails,
                         int tries = 10'000);

}  // namespace sasd::testing

#endif  // TESTS_STORM_SHRINK_H_
