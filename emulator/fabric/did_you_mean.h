#ifndef EMULATOR_FABRIC_DID_YOU_MEAN_H_
#define EMULATOR_FABRIC_DID_YOU_MEAN_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace sasd::emulator {

// Those of `names` that are most like `name` (or begin with it), as the end of an error message:
// "; did you mean "a" or "b"?", or an empty text.
std::string DidYouMean(absl::string_view name, const std::vector<absl::string_view>& names);

}  // namespace sasd::emulator

#endif  // EMULATOR_FABRIC_DID_YOU_MEAN_H_
