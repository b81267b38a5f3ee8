#ifndef EMULATOR_FABRIC_FABRIC_LOADER_H_
#define EMULATOR_FABRIC_FABRIC_LOADER_H_

#include <cstddef>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "emulator/fabric/fabric.h"
#include "emulator/fabric/fabric_validate.h"

namespace sasd::emulator {

// Reads a fabric in protocol buffer text form (fabric.proto lists the fields). `origin` is the
// file's name in errors. The result is valid (ValidateFabric()). Errors: kInvalidArgument with one
// line per problem: the origin, line and column where the text gives them, the elements by id, and
// the remedy. The references are resolved once the text is sound, and the fabric as a whole is
// checked once the references are; that check gives at most `max_problems`.
absl::StatusOr<FabricSpec> ParseFabric(absl::string_view text, absl::string_view origin,
                                       size_t max_problems = kMostFabricProblems);

// `name_or_path`: the name of a shipped fabric (shipped_fabrics.h; "demo"), or the path of a file
// (any name with a '/' or ending in ".textproto"), which must be a regular file of at most 64 MiB.
// Errors: kNotFound with the list of shipped names; kInvalidArgument with the path for another kind
// of file or a larger one; those of ParseFabric().
absl::StatusOr<FabricSpec> LoadFabric(absl::string_view name_or_path,
                                      size_t max_problems = kMostFabricProblems);

}  // namespace sasd::emulator

#endif  // EMULATOR_FABRIC_FABRIC_LOADER_H_
