#include "driver/transport/pci_ioc/system/posix_system_calls.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "absl/strings/string_view.h"

namespace sasd::pci_ioc {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;

// -errno for a failed call.
template <typename T>
T OrErrno(T result) {
  return result < 0 ? static_cast<T>(-errno) : result;
}

int MapInto(size_t size, int flags, int descriptor, uint64_t offset, MutableByteSpan& out) {
  void* const at =
      mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, descriptor, static_cast<off_t>(offset));
  if (at == MAP_FAILED) return -errno;
  out = MutableByteSpan(static_cast<uint8_t*>(at), size);
  return 0;
}

}  // namespace

int PosixSystemCalls::Open(const std::string& path, int flags) {
  return OrErrno(open(path.c_str(), flags | O_CLOEXEC, 0600));
}

void PosixSystemCalls::Close(int descriptor) { close(descriptor); }

int PosixSystemCalls::Ioctl(int descriptor, uint64_t request, void* argument) {
  return OrErrno(ioctl(descriptor, request, argument));
}

ssize_t PosixSystemCalls::ReadAt(int descriptor, MutableByteSpan out, uint64_t offset) {
  return OrErrno(pread(descriptor, out.data(), out.size(), static_cast<off_t>(offset)));
}

ssize_t PosixSystemCalls::WriteAt(int descriptor, ByteSpan bytes, uint64_t offset) {
  return OrErrno(pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset)));
}

ssize_t PosixSystemCalls::Read(int descriptor, MutableByteSpan out) {
  return OrErrno(read(descriptor, out.data(), out.size()));
}

ssize_t PosixSystemCalls::Write(int descriptor, ByteSpan bytes) {
  return OrErrno(write(descriptor, bytes.data(), bytes.size()));
}

ssize_t PosixSystemCalls::SizeOf(int descriptor) {
  struct stat info;
  return fstat(descriptor, &info) < 0 ? -errno : info.st_size;
}

int PosixSystemCalls::Map(int descriptor, size_t size, uint64_t offset, MutableByteSpan& out) {
  return MapInto(size, MAP_SHARED, descriptor, offset, out);
}

int PosixSystemCalls::MapMemory(size_t size, bool huge, MutableByteSpan& out) {
  if (huge) size = (size + kHugePage - 1) / kHugePage * kHugePage;
  const int flags = MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE | (huge ? MAP_HUGETLB : 0);
  const int result = MapInto(size, flags, -1, 0, out);
  // A child that wrote to it would write to what the function reads.
  if (result == 0) madvise(out.data(), out.size(), MADV_DONTFORK);
  return result;
}

void PosixSystemCalls::Unmap(MutableByteSpan memory) {
  if (!memory.empty()) munmap(memory.data(), memory.size());
}

int PosixSystemCalls::EventFd() { return OrErrno(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

int PosixSystemCalls::Poll(absl::Span<pollfd> files, absl::Duration timeout) {
  const int64_t milliseconds =
      absl::ToInt64Milliseconds(absl::Ceil(timeout, absl::Milliseconds(1)));
  const int result = poll(files.data(), files.size(),
                          static_cast<int>(std::clamp<int64_t>(milliseconds, 0, 60'000)));
  return result < 0 && errno == EINTR ? 0 : OrErrno(result);
}

int PosixSystemCalls::Lock(int descriptor) { return OrErrno(flock(descriptor, LOCK_EX | LOCK_NB)); }

int PosixSystemCalls::ReadLink(const std::string& path, std::string& target) {
  char text[PATH_MAX];
  const ssize_t size = readlink(path.c_str(), text, sizeof(text));
  if (size < 0) return -errno;
  target.assign(text, static_cast<size_t>(size));
  return 0;
}

int PosixSystemCalls::List(const std::string& path, std::vector<std::string>& names) {
  DIR* const folder = opendir(path.c_str());
  if (folder == nullptr) return -errno;
  names.clear();
  while (const dirent* entry = readdir(folder)) {  // NOLINT(concurrency-mt-unsafe): its own folder
    const absl::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  closedir(folder);
  std::sort(names.begin(), names.end());
  return 0;
}

uint64_t PosixSystemCalls::MemlockLimit() {
  rlimit limit = {};
  getrlimit(RLIMIT_MEMLOCK, &limit);
  return limit.rlim_cur;
}

}  // namespace sasd::pci_ioc
