#ifndef EMULATOR_REBUILD_FROM_TREE_H_
#define EMULATOR_REBUILD_FROM_TREE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace sasd::emulator {

struct FabricOfTree {
  std::string text;  // a valid fabric file
  // Rebuilt::notes, and one line for each SCSI host of the tree that has no SAS objects.
  std::vector<std::string> notes;
};

// Makes a fabric file of a recorded sysfs tree: a folder that ReadTree() takes, or a .tar.gz of
// one, which tar(1) unpacks into a temporary folder meanwhile. Errors: those of ReadTree() and
// UnpackedTree; kNotFound if no host of the tree is a SAS host; kInvalidArgument, with the reasons
// of ValidateFabric(), if the tree contradicts itself so that no fabric can be as it shows.
absl::StatusOr<FabricOfTree> FabricFromTree(const std::string& path);

}  // namespace sasd::emulator

#endif  // EMULATOR_REBUILD_FROM_TREE_H_
