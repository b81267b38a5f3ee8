#ifndef CLI_OUTPUT_SUGGEST_H_
#define CLI_OUTPUT_SUGGEST_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace sasd::cli {

// Those of `known` (at most three, closest first) that somebody who typed `word` may have meant:
// few edits away, or beginning with it. Case and '-' against '_' do not count.
std::vector<std::string> CloseTo(absl::string_view word, const std::vector<std::string>& known);

// The same as the end of a message: `; did you mean "drives" or "slots"?`, or empty.
std::string DidYouMean(absl::string_view word, const std::vector<std::string>& known);

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_SUGGEST_H_
