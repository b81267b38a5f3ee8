#include "driver/pci/machine_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "absl/strings/ascii.h"
#include "driver/base/unique_fd.h"

namespace sasd::pci {
namespace {

constexpr size_t kMostBytes = size_t{1} << 20;

}  // namespace

std::string MachineFiles::Read(const std::string& path) const {
  const UniqueFd file(open(At(path).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  std::string text;
  char part[4096];
  while (file.valid() && text.size() < kMostBytes) {
    const ssize_t size = read(file.get(), part, sizeof(part));
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    text.append(part, static_cast<size_t>(size));
  }
  absl::StripTrailingAsciiWhitespace(&text);
  return text;
}

std::vector<std::string> MachineFiles::List(const std::string& path) const {
  std::vector<std::string> names;
  DIR* const folder = opendir(At(path).c_str());
  if (folder == nullptr) return names;
  while (const dirent* entry = readdir(folder)) {  // NOLINT(concurrency-mt-unsafe): its own folder
    const absl::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  closedir(folder);
  std::sort(names.begin(), names.end());
  return names;
}

std::string MachineFiles::LinkOf(const std::string& path) const {
  char text[PATH_MAX];
  const ssize_t size = readlink(At(path).c_str(), text, sizeof(text));
  return size <= 0 ? "" : std::string(text, static_cast<size_t>(size));
}

bool MachineFiles::Exists(const std::string& path) const {
  struct stat info;
  return stat(At(path).c_str(), &info) == 0;
}

bool MachineFiles::IsClaimed(const std::string& path) const {
  const UniqueFd file(open(At(path).c_str(), O_RDONLY | O_EXCL | O_NONBLOCK | O_CLOEXEC));
  return !file.valid() && errno == EBUSY;
}

bool MachineFiles::IsLocked(const std::string& path) const {
  const UniqueFd file(open(At(path).c_str(), O_RDONLY | O_CLOEXEC));
  return file.valid() && flock(file.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

absl::Status MachineFiles::Write(const std::string& path, absl::string_view text) {
  const UniqueFd file(open(At(path).c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.valid()) return absl::ErrnoToStatus(errno, path);
  const ssize_t written = write(file.get(), text.data(), text.size());
  if (written < 0) return absl::ErrnoToStatus(errno, path);
  return absl::OkStatus();
}

absl::Status MachineFiles::GiveTo(const std::string& path, uid_t user, gid_t group, mode_t mode) {
  const std::string at = At(path);
  if (chown(at.c_str(), user, group) != 0 || chmod(at.c_str(), mode) != 0) {
    return absl::ErrnoToStatus(errno, path);
  }
  return absl::OkStatus();
}

std::string BaseName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace sasd::pci
