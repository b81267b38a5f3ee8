#ifndef CLI_OUTPUT_NATURAL_ORDER_H_
#define CLI_OUTPUT_NATURAL_ORDER_H_

#include "absl/strings/string_view.h"

namespace sasd::cli {

// Whether a comes before b where numbers in them count as numbers: expander-1:9 before
// expander-1:10.
bool NaturalLess(absl::string_view a, absl::string_view b);

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_NATURAL_ORDER_H_
