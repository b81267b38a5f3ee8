#ifndef EMULATOR_FABRIC_FABRIC_VALIDATE_H_
#define EMULATOR_FABRIC_FABRIC_VALIDATE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "emulator/fabric/fabric.h"

namespace sasd::emulator {

// So many problems of a fabric are enough for a program that cannot start with it.
constexpr size_t kMostFabricProblems = 20;

// Where an element (or link, by its position in FabricSpec::links) was defined:
// "demo.textproto:12:3". May return an empty string.
struct FabricLocations {
  std::function<std::string(ElementKind kind, uint32_t index)> element;
  std::function<std::string(uint32_t link)> link;
};

// Checks that a fabric can exist and that its references are sound: ids and addresses are unique;
// phys are in range and used once; each host reaches each expander one way; slots are within the
// enclosure and used once; texts fit their fields on the wire. Errors: kInvalidArgument with one
// line per problem: its place, the elements and the remedy; at most `max_problems`, and a line with
// the number of the others. The cabling is checked once the elements are sound, loops once the
// cabling is.
absl::Status ValidateFabric(const FabricSpec& fabric, const FabricLocations& locations = {},
                            size_t max_problems = kMostFabricProblems);

}  // namespace sasd::emulator

#endif  // EMULATOR_FABRIC_FABRIC_VALIDATE_H_
