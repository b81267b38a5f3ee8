#ifndef TESTS_STORM_APART_H_
#define TESTS_STORM_APART_H_

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace sasd::testing {

struct Outcome {
  std::string said;     // all that the child has said, also if it died
  std::string failure;  // what it returned, or what it died of; empty: all was well
  std::string errors;   // what it wrote to stderr: a sanitizer's report
};

using Say = absl::FunctionRef<void(absl::string_view)>;

// Does `run` in a child process, since what a sanitizer finds ends a process, and what has ended
// cannot be made shorter. What it died of is a sanitizer's summary (of the same fault it is the
// same each time), a signal, an exit code, or that it said nothing for as long as `silence`. The
// caller must have no threads; the child may.
Outcome RunApart(absl::FunctionRef<std::string(Say)> run, absl::Duration silence);

}  // namespace sasd::testing

#endif  // TESTS_STORM_APART_H_
