#include "daemon/journal/visible_mark.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "driver/base/unique_fd.h"

namespace sasd::journal {
namespace {

constexpr char kMagic[8] = {'s', 'a', 's', 'd', 'm', 'k', '0', '1'};

void Raise(std::atomic<int64_t>& value, int64_t to) {
  int64_t now = value.load(std::memory_order_relaxed);
  while (now < to && !value.compare_exchange_weak(now, to)) {
  }
}

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

struct VisibleMark::Layout {
  char magic[8];
  char id[64];
  char boot_id[64];
  std::atomic<int64_t> written;
  std::atomic<int64_t> visible;
};

absl::StatusOr<std::unique_ptr<VisibleMark>> VisibleMark::Open(const std::string& path,
                                                               absl::string_view id,
                                                               absl::string_view boot_id) {
  static_assert(std::atomic<int64_t>::is_always_lock_free);
  UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) return absl::ErrnoToStatus(errno, absl::StrCat(path, ": cannot open"));
  struct stat info {};
  // posix_fallocate: a full tmpfs gives an error here, not a SIGBUS at the first store.
  if (int error = posix_fallocate(fd.get(), 0, sizeof(Layout)); error != 0)
    return absl::ErrnoToStatus(error, absl::StrCat(path, ": cannot write"));
  if (fstat(fd.get(), &info) != 0) return absl::ErrnoToStatus(errno, path);
  void* memory = mmap(nullptr, sizeof(Layout), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (memory == MAP_FAILED) return absl::ErrnoToStatus(errno, absl::StrCat(path, ": cannot map"));
  auto* layout = static_cast<Layout*>(memory);
  std::unique_ptr<VisibleMark> mark(new VisibleMark(layout));
  if (memcmp(layout->magic, kMagic, sizeof kMagic) == 0 && Holds(layout->id, id) &&
      Holds(layout->boot_id, boot_id)) {
    mark->found_ = true;
    mark->previous_ = {layout->written.load(), layout->visible.load()};
    return mark;
  }
  // The magic number goes in last, so that a mark cut short by a kill is no mark.
  memset(layout->magic, 0, sizeof kMagic);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  Put(layout->id, id);
  Put(layout->boot_id, boot_id);
  layout->written.store(0);
  layout->visible.store(0);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  memcpy(layout->magic, kMagic, sizeof kMagic);
  return mark;
}

VisibleMark::~VisibleMark() { munmap(layout_, sizeof(Layout)); }

void VisibleMark::SetWritten(int64_t revision) { Raise(layout_->written, revision); }
void VisibleMark::SetVisible(int64_t revision) { Raise(layout_->visible, revision); }

}  // namespace sasd::journal
