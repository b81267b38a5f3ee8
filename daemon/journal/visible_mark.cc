#include "daemon/journal/visible_mark.h"

#include <atomic>
#include <utility>

#include "absl/memory/memory.h"

namespace sasd::journal {
namespace {

constexpr char kMagic[] = "sasdmk01";

void Raise(std::atomic<int64_t>& value, int64_t to) {
  int64_t now = value.load(std::memory_order_relaxed);
  while (now < to && !value.compare_exchange_weak(now, to)) {
  }
}

}  // namespace

struct VisibleMark::Layout {
  std::atomic<int64_t> written;
  std::atomic<int64_t> visible;
};

VisibleMark::VisibleMark(std::unique_ptr<SharedFile> file)
    : file_(std::move(file)),
      layout_(*reinterpret_cast<Layout*>(file_->content())),
      previous_{layout_.written.load(), layout_.visible.load()} {}

absl::StatusOr<std::unique_ptr<VisibleMark>> VisibleMark::Open(const std::string& path,
                                                               absl::string_view id,
                                                               absl::string_view boot_id) {
  static_assert(std::atomic<int64_t>::is_always_lock_free);
  absl::StatusOr<std::unique_ptr<SharedFile>> file =
      SharedFile::Open(path, sizeof(Layout), kMagic, id, boot_id);
  if (!file.ok()) return file.status();
  return absl::WrapUnique(new VisibleMark(*std::move(file)));
}

void VisibleMark::SetWritten(int64_t revision) { Raise(layout_.written, revision); }
void VisibleMark::SetVisible(int64_t revision) { Raise(layout_.visible, revision); }

}  // namespace sasd::journal
