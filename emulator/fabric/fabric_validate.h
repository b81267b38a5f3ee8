#ifndef EMULATOR_FABRIC_FABRIC_VALIDATE_H_
#define EMULATOR_FABRIC_FABRIC_VALIDATE_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "emulator/fabric/fabric.h"

namespace sasd::emulator {

// Where an element (or link, by its position in FabricSpec::links) was defined:
// "demo.textproto:12:3". May return an empty string.
struct FabricLocations {
  std::function<std::string(ElementKind kind, uint32_t index)> element;
  std::function<std::string(uint32_t link)> link;
};

// Checks that a fabric can exist and that its references are sound: ids and addresses are unique;
// phys are in range and used once; each host reaches each expander one way; slots are within the
// enclosure and used once; texts fit their fields on the wire. Errors: kInvalidArgument with one
// line per problem: its place, the elements and the remedy (the first 20).
absl::Status ValidateFabric(const FabricSpec& fabric, const FabricLocations& locations = {});

}  // namespace sasd::emulator

#endif  // EMULATOR_FABRIC_FABRIC_VALIDATE_H_
