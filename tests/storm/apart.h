#ifndef TESTS_STORM_APART_H_
#define TESTS_STORM_APART_H_

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace sasd::testing {

struct Outcome {
  std::string said;     // all texts that the child has said before its end
  std::string failure;  // its result, or the reason of its death; empty: success
  std::string errors;   // its stderr: a sanitizer's report
};

using Say = absl::FunctionRef<void(absl::string_view)>;

// Runs `run` in a child process, because a sanitizer's finding ends the process, and a caller that
// shortens scripts must survive it. The reason of a death is a sanitizer's summary (the same for
// the same fault), a signal, an exit code, or that the child said nothing for `silence`. The caller
// must have no threads; the child may.
Outcome RunApart(absl::FunctionRef<std::string(Say)> run, absl::Duration silence);

}  // namespace sasd::testing

#endif  // TESTS_STORM_APART_H_
