#ifndef RPC_DID_YOU_MEAN_H_
#define RPC_DID_YOU_MEAN_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace sasd::rpc {

// The words of `known` that are close to `word`: a few edits away, or beginning with it. At most
// three, the closest first, and equally close ones in the order of `known`. Ignores case, and takes
// '_' for '-'.
std::vector<std::string> CloseTo(absl::string_view word, const std::vector<std::string>& known);

// CloseTo() as the end of an error message: `; did you mean "drives" or "slots"?`, or empty.
std::string DidYouMean(absl::string_view word, const std::vector<std::string>& known);

}  // namespace sasd::rpc

#endif  // RPC_DID_YOU_MEAN_H_
