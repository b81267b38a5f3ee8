#include "daemon/journal/shared_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "driver/base/unique_fd.h"

namespace sasd::journal {
namespace {

struct Header {
  char magic[8];
  char id[64];
  char boot_id[64];
};
static_assert(sizeof(Header) % 8 == 0);

// `field` of a fixed size, padded with zeros; longer text is cut.
template <size_t size>
void Put(char (&field)[size], absl::string_view text) {
  memset(field, 0, size);
  memcpy(field, text.data(), std::min(size, text.size()));
}

template <size_t size>
bool Holds(const char (&field)[size], absl::string_view text) {
  char expected[size];
  Put(expected, text);
  return memcmp(field, expected, size) == 0;
}

}  // namespace

SharedFile::SharedFile(void* memory, size_t mapped)
    : memory_(memory), mapped_(mapped), content_(static_cast<char*>(memory) + sizeof(Header)) {}

SharedFile::~SharedFile() { munmap(memory_, mapped_); }

absl::StatusOr<std::unique_ptr<SharedFile>> SharedFile::Open(const std::string& path, size_t size,
                                                             absl::string_view magic,
                                                             absl::string_view id,
                                                             absl::string_view boot_id) {
  UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) return absl::ErrnoToStatus(errno, absl::StrCat(path, ": cannot open"));
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return absl::ErrnoToStatus(errno, path);
  // Everybody may make files in /dev/shm.
  if (info.st_uid != geteuid() || !S_ISREG(info.st_mode))
    return absl::PermissionDeniedError(absl::StrCat(path, ": belongs to user ", info.st_uid));
  const size_t mapped = sizeof(Header) + size;
  // posix_fallocate: a full tmpfs gives an error here, not a SIGBUS at the first store.
  if (int error = posix_fallocate(fd.get(), 0, static_cast<off_t>(mapped)); error != 0)
    return absl::ErrnoToStatus(error, absl::StrCat(path, ": cannot write"));
  void* const memory = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (memory == MAP_FAILED) return absl::ErrnoToStatus(errno, absl::StrCat(path, ": cannot map"));
  auto file = absl::WrapUnique(new SharedFile(memory, mapped));
  auto& header = *static_cast<Header*>(memory);
  file->found_ =
      Holds(header.magic, magic) && Holds(header.id, id) && Holds(header.boot_id, boot_id);
  if (file->found_) return file;
  // The magic number goes in last, so that a file cut short by a kill is no content.
  Put(header.magic, "");
  std::atomic_thread_fence(std::memory_order_seq_cst);
  Put(header.id, id);
  Put(header.boot_id, boot_id);
  memset(file->content_, 0, size);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  Put(header.magic, magic);
  return file;
}

}  // namespace sasd::journal
