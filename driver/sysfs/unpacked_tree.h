#ifndef DRIVER_SYSFS_UNPACKED_TREE_H_
#define DRIVER_SYSFS_UNPACKED_TREE_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"

namespace sasd::sysfs {

// A recorded sysfs tree in a .tar.gz, unpacked into a temporary folder that lives as long as this
// object. A folder stays as it is. Movable.
class UnpackedTree {
 public:
  // Runs tar(1) for a file. Errors: kInvalidArgument if tar refuses the file, or does not start;
  // those of the temporary folder.
  static absl::StatusOr<UnpackedTree> Open(const std::string& path);

  UnpackedTree(UnpackedTree&& other) noexcept;
  UnpackedTree& operator=(UnpackedTree&&) = delete;
  ~UnpackedTree();

  // The folder with the tree.
  const std::string& root() const { return root_; }

 private:
  UnpackedTree(std::string root, bool temporary) : root_(std::move(root)), temporary_(temporary) {}

  std::string root_;
  bool temporary_;
};

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_UNPACKED_TREE_H_
