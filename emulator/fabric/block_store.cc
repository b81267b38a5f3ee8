#include "emulator/fabric/block_store.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

namespace sasd::emulator::scsi {
namespace {

constexpr uint64_t kPage = 4096;  // regions do not share a page
constexpr uint64_t kMaxFile = std::numeric_limits<int64_t>::max();

absl::Status ErrorOf(const char* what) { return absl::ErrnoToStatus(errno, what); }

}  // namespace

BlockStore::~BlockStore() {
  if (file_ >= 0) close(file_);
}

std::optional<uint64_t> BlockStore::RegionOf(SasAddress drive) const {
  absl::MutexLock lock(&mu_);
  const auto it = regions_.find(drive);
  if (it == regions_.end()) return std::nullopt;
  return it->second;
}

absl::StatusOr<uint64_t> BlockStore::MakeRegion(SasAddress drive, uint64_t drive_size) {
  absl::MutexLock lock(&mu_);
  const auto it = regions_.find(drive);
  if (it != regions_.end()) return it->second;
  if (drive_size > kMaxFile - end_ - kPage) {
    return absl::ResourceExhaustedError("block store: no room for one more drive");
  }
  if (file_ < 0) file_ = memfd_create("sasd-blocks", MFD_CLOEXEC);
  if (file_ < 0) return ErrorOf("block store: memfd_create");
  const uint64_t end = (end_ + drive_size + kPage - 1) / kPage * kPage;
  if (ftruncate(file_, static_cast<off_t>(end)) != 0) return ErrorOf("block store: ftruncate");
  const uint64_t region = end_;
  end_ = end;
  regions_.emplace(drive, region);
  return region;
}

absl::Status BlockStore::Read(SasAddress drive, uint64_t offset, MutableByteSpan data) const {
  const std::optional<uint64_t> region = RegionOf(drive);
  if (!region) {
    std::fill(data.begin(), data.end(), uint8_t{0});
    return absl::OkStatus();
  }
  while (!data.empty()) {
    const ssize_t got =
        pread(file_, data.data(), data.size(), static_cast<off_t>(*region + offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrorOf("block store: pread");
    if (got == 0) return absl::OutOfRangeError("block store: read beyond the drive's end");
    data.remove_prefix(static_cast<size_t>(got));
    offset += static_cast<uint64_t>(got);
  }
  return absl::OkStatus();
}

absl::Status BlockStore::Write(SasAddress drive, uint64_t drive_size, uint64_t offset,
                               ByteSpan data) {
  const absl::StatusOr<uint64_t> region = MakeRegion(drive, drive_size);
  if (!region.ok()) return region.status();
  while (!data.empty()) {
    const ssize_t done =
        pwrite(file_, data.data(), data.size(), static_cast<off_t>(*region + offset));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return ErrorOf("block store: pwrite");
    data.remove_prefix(static_cast<size_t>(done));
    offset += static_cast<uint64_t>(done);
  }
  return absl::OkStatus();
}

absl::Status BlockStore::Discard(SasAddress drive, uint64_t offset, uint64_t size) {
  const std::optional<uint64_t> region = RegionOf(drive);
  if (!region || size == 0) return absl::OkStatus();
  if (fallocate(file_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                static_cast<off_t>(*region + offset), static_cast<off_t>(size)) != 0) {
    return ErrorOf("block store: fallocate");
  }
  return absl::OkStatus();
}

}  // namespace sasd::emulator::scsi
