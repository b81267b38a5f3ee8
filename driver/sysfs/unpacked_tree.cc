#include "driver/sysfs/unpacked_tree.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"

extern char** environ;  // NOLINT: of POSIX

namespace sasd::sysfs {
namespace {

// The exit status of tar, or -1 if it did not start.
int Unpack(const std::string& file, const std::string& folder) {
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  // A daemon blocks the signals that it takes; tar must not.
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  std::string words[] = {"tar", "-xzf", file, "-C", folder};
  char* arguments[] = {words[0].data(), words[1].data(), words[2].data(),
                       words[3].data(), words[4].data(), nullptr};
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, "tar", nullptr, &attributes, arguments, environ);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) return -1;
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

}  // namespace

absl::StatusOr<UnpackedTree> UnpackedTree::Open(const std::string& path) {
  struct stat about = {};
  // What is missing, or neither file nor folder, is for the reader of the tree to report.
  if (stat(path.c_str(), &about) != 0 || !S_ISREG(about.st_mode)) {
    return UnpackedTree(path, /*temporary=*/false);
  }
  std::error_code error;
  const std::filesystem::path place = std::filesystem::temp_directory_path(error);
  std::string folder = absl::StrCat(error ? "/tmp" : place.string(), "/sasd-tree.XXXXXX");
  if (mkdtemp(folder.data()) == nullptr) {
    return absl::InternalError(absl::StrCat(folder, ": ", strerror(errno)));
  }
  UnpackedTree tree(folder, /*temporary=*/true);
  const int code = Unpack(path, folder);
  if (code == 0) return tree;
  return absl::InvalidArgumentError(
      code < 0 ? absl::StrCat(path, ": cannot start tar to unpack it; give a folder")
               : absl::StrCat(path, ": not a .tar.gz that tar can unpack (exit code ", code, ")"));
}

UnpackedTree::UnpackedTree(UnpackedTree&& other) noexcept
    : root_(std::move(other.root_)), temporary_(std::exchange(other.temporary_, false)) {}

UnpackedTree::~UnpackedTree() {
  std::error_code ignored;
  if (temporary_) std::filesystem::remove_all(root_, ignored);
}

}  // namespace sasd::sysfs
