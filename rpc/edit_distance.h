#ifndef RPC_EDIT_DISTANCE_H_
#define RPC_EDIT_DISTANCE_H_

#include <stddef.h>

#include "absl/strings/string_view.h"

namespace sasd::rpc {

// How many edits turn a into b: one inserts, removes or replaces a byte, or swaps two neighbours
// (optimal string alignment). Gives limit + 1 for any distance above `limit`, and is then faster.
size_t EditDistance(absl::string_view a, absl::string_view b, size_t limit);

}  // namespace sasd::rpc

#endif  // RPC_EDIT_DISTANCE_H_
