#include "driver/transport/pci_ioc/system/fake_pci_kernel.h"

#include <fcntl.h>
#include <linux/vfio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace sasd::pci_ioc {
namespace {

constexpr char kFolder[] = "/sys/bus/pci/devices/0000:03:00.0";
constexpr uint64_t kPage = 4096, kFirstFrame = 0x40000;
uint64_t RegionOffset(uint32_t index) { return uint64_t{index} << 40; }

}  // namespace

FakePciKernel::FakePciKernel()
    : bar_file_(memfd_create("bar", MFD_CLOEXEC)), line_event_(eventfd(0, EFD_NONBLOCK)) {
  SetDecoding(true);
  PosixSystemCalls::Map(bar_file_.get(), kBarSize, 0, bar_);
  const MutableByteSpan config = absl::MakeSpan(config_);
  StoreLe32(config, 0x00, 0x00971000);
  StoreLe16(config, 0x04, 0x0406);  // as after another's driver: bus master is on
  Store8(config, 0x08, 2);
  StoreLe32(config, 0x10, 0x5001);
  StoreLe32(config, 0x14, 0xAAE40000);
  StoreLe32(config, 0x2C, 0x30E01000);
}

void FakePciKernel::SetDecoding(bool on) {
  if (ftruncate(bar_file_.get(), on ? kBarSize : 0) != 0) abort();
}

void FakePciKernel::Signal(int descriptor) {
  const uint64_t one = 1;
  if (write(descriptor, &one, sizeof(one)) < 0) abort();
}

void FakePciKernel::Interrupt(size_t vector) {
  absl::MutexLock lock(&mu_);
  const auto& events = triggers_[Index::kMsix];
  if (vector < events.size()) Signal(events[vector]);
}

void FakePciKernel::FireLine() {
  if (!line_ || line_masked_) return;
  const bool uio = driver == "uio_pci_generic";
  if (uio && (config_[5] & 0x04) != 0) return;
  if (!uio && triggers_[Index::kIntx].empty()) return;
  if (uio) {
    config_[5] |= 0x04;
  } else {
    line_masked_ = true;
  }
  Signal(uio ? line_event_.get() : triggers_[Index::kIntx][0]);
}

void FakePciKernel::SetLine(bool level) {
  absl::MutexLock lock(&mu_);
  line_ = level;
  FireLine();
}

void FakePciKernel::RequestRelease() {
  absl::MutexLock lock(&mu_);
  for (int event : triggers_[Index::kRequest]) Signal(event);
}

void FakePciKernel::ReportError() {
  absl::MutexLock lock(&mu_);
  for (int event : triggers_[Index::kError]) Signal(event);
}

void FakePciKernel::Rebind(const std::string& other) {
  absl::MutexLock lock(&mu_);
  driver = other;
}

uint32_t FakePciKernel::Config(uint32_t offset, uint32_t size) {
  absl::MutexLock lock(&mu_);
  uint8_t bytes[4] = {};
  std::copy_n(config_.begin() + offset, size, bytes);
  return LoadLe32(bytes, 0);
}

MutableByteSpan FakePciKernel::bar() { return bar_; }

std::map<uint64_t, uint64_t> FakePciKernel::mapped() {
  absl::MutexLock lock(&mu_);
  return mapped_;
}

size_t FakePciKernel::open_files() {
  absl::MutexLock lock(&mu_);
  return files_.size();
}

size_t FakePciKernel::vectors_enabled() {
  absl::MutexLock lock(&mu_);
  return triggers_[Index::kMsix].size() + triggers_[Index::kIntx].size();
}

FakePciKernel::Role FakePciKernel::RoleOf(int descriptor) {
  absl::MutexLock lock(&mu_);
  const auto found = files_.find(descriptor);
  return found == files_.end() ? Role::kOther : found->second;
}

int FakePciKernel::Add(int descriptor, Role role) {
  files_[descriptor] = role;
  return descriptor;
}

bool FakePciKernel::IsOpen(Role role) {
  return std::any_of(files_.begin(), files_.end(), [&](const auto& f) { return f.second == role; });
}

int FakePciKernel::Open(const std::string& path, int flags) {
  absl::MutexLock lock(&mu_);
  const auto dummy = [&](Role role) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return Add(PosixSystemCalls::Open("/dev/null", O_RDWR), role);
  };
  if (path == "/dev/vfio/vfio") return dummy(Role::kContainer);
  if (path == "/dev/vfio/7") {
    if (!may_open_group) return -EACCES;
    return IsOpen(Role::kGroup) ? -EBUSY : dummy(Role::kGroup);
  }
  if (path == absl::StrCat(kFolder, "/config")) {
    return locked_down ? -EPERM : dummy(Role::kConfig);
  }
  if (path == absl::StrCat(kFolder, "/resource1")) return dummy(Role::kBar);
  if (path == "/dev/uio3") return Add(dup(line_event_.get()), Role::kNode);
  if (path == "/proc/self/pagemap") return dummy(Role::kPagemap);
  if (path == absl::StrCat(kFolder, "/iommu_group/type")) {
    return has_iommu ? dummy(Role::kType) : -ENOENT;
  }
  return PosixSystemCalls::Open(path, flags);
}

// vfio and uio turn bus master off at the last close, vfio forgets the mappings.
void FakePciKernel::Close(int descriptor) {
  absl::MutexLock lock(&mu_);
  const auto found = files_.find(descriptor);
  if (found != files_.end()) {
    const Role role = found->second;
    if (role == Role::kDevice || role == Role::kNode) config_[4] &= ~0x04;
    if (role == Role::kDevice) triggers_.clear();
    if (role == Role::kContainer) {
      mapped_.clear();
      group_in_container_ = iommu_set_ = false;
    }
    if (role == Role::kConfig) locked_ = false;
    files_.erase(found);
  }
  PosixSystemCalls::Close(descriptor);
}

int FakePciKernel::Ioctl(int descriptor, uint64_t request, void* argument) {
  const Role role = RoleOf(descriptor);
  absl::MutexLock lock(&mu_);
  switch (role) {
    case Role::kContainer:
      return ContainerIoctl(request, argument);
    case Role::kGroup:
      return GroupIoctl(request, argument);
    case Role::kDevice:
      return DeviceIoctl(request, argument);
    default:
      return -ENOTTY;
  }
}

int FakePciKernel::ContainerIoctl(uint64_t request, void* argument) {
  if (request == VFIO_GET_API_VERSION) return VFIO_API_VERSION;
  if (request == VFIO_CHECK_EXTENSION) return type1 ? 1 : 0;
  if (request == VFIO_SET_IOMMU) {
    if (!group_in_container_) return -ENODEV;
    if (!remaps_interrupts) return -EPERM;
    iommu_set_ = true;
    return 0;
  }
  if (!iommu_set_) return -EINVAL;
  if (request == VFIO_IOMMU_GET_INFO) {
    auto& info = *static_cast<vfio_iommu_type1_info*>(argument);
    // One capability of another kind in front.
    const auto size = static_cast<uint32_t>(sizeof(info) + 16 + 16 + 16 * iova_ranges.size());
    info.flags = VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS;
    const bool fits = info.argsz >= size;
    info.argsz = size;
    info.cap_offset = fits ? sizeof(info) : 0;
    if (!fits) return 0;
    const MutableByteSpan bytes(static_cast<uint8_t*>(argument), size);
    size_t at = sizeof(info);
    StoreLe16(bytes, at, 99);
    StoreLe32(bytes, at + 4, static_cast<uint32_t>(at + 16));
    at += 16;
    StoreLe16(bytes, at, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);
    StoreLe32(bytes, at + 4, 0);
    StoreLe32(bytes, at + 8, static_cast<uint32_t>(iova_ranges.size()));
    for (const auto& [first, last] : iova_ranges) {
      StoreLe64(bytes, at + 16, first);
      StoreLe64(bytes, at + 24, last);
      at += 16;
    }
    return 0;
  }
  if (request == VFIO_IOMMU_MAP_DMA) {
    const auto& map = *static_cast<const vfio_iommu_type1_dma_map*>(argument);
    if (map.size > memlock) return -ENOMEM;
    const bool usable = std::any_of(iova_ranges.begin(), iova_ranges.end(), [&](const auto& range) {
      return map.iova >= range.first && map.iova + map.size - 1 <= range.second;
    });
    if (!usable || map.iova % kPage != 0 || map.vaddr % kPage != 0) return -EINVAL;
    mapped_[map.iova] = map.size;
    return 0;
  }
  return -ENOTTY;
}

int FakePciKernel::GroupIoctl(uint64_t request, void* argument) {
  if (request == VFIO_GROUP_GET_STATUS) {
    static_cast<vfio_group_status*>(argument)->flags = viable ? VFIO_GROUP_FLAGS_VIABLE : 0;
    return 0;
  }
  if (request == VFIO_GROUP_SET_CONTAINER) {
    if (!viable) return -EPERM;
    group_in_container_ = true;
    return 0;
  }
  if (request == VFIO_GROUP_GET_DEVICE_FD) {
    if (!iommu_set_ || std::strcmp(static_cast<char*>(argument), kAddress) != 0) return -ENODEV;
    return Add(PosixSystemCalls::Open("/dev/null", O_RDWR), Role::kDevice);
  }
  return -ENOTTY;
}

int FakePciKernel::DeviceIoctl(uint64_t request, void* argument) {
  if (request == VFIO_DEVICE_GET_REGION_INFO) {
    auto& region = *static_cast<vfio_region_info*>(argument);
    region.offset = RegionOffset(region.index);
    region.size = region.index == 1                              ? kBarSize
                  : region.index == VFIO_PCI_CONFIG_REGION_INDEX ? 256
                                                                 : 0;
    region.flags = region.index == 1 ? VFIO_REGION_INFO_FLAG_MMAP : 0;
    return 0;
  }
  if (request == VFIO_DEVICE_GET_IRQ_INFO) {
    auto& info = *static_cast<vfio_irq_info*>(argument);
    const auto found = vectors.find(static_cast<Index>(info.index));
    if (found == vectors.end()) return -EINVAL;
    info.flags = VFIO_IRQ_INFO_EVENTFD;
    info.count = found->second;
    return 0;
  }
  return request == VFIO_DEVICE_SET_IRQS ? SetIrqs(argument) : -ENOTTY;
}

int FakePciKernel::SetIrqs(const void* argument) {
  const auto& set = *static_cast<const vfio_irq_set*>(argument);
  const auto index = static_cast<Index>(set.index);
  if ((set.flags & VFIO_IRQ_SET_ACTION_UNMASK) != 0) {
    line_masked_ = false;
    FireLine();
    return 0;
  }
  if ((set.flags & VFIO_IRQ_SET_DATA_NONE) != 0 && set.count == 0) {
    triggers_[index].clear();
    return 0;
  }
  if (set.argsz < sizeof(set) + set.count * sizeof(int32_t) || set.count > vectors[index]) {
    return -EINVAL;
  }
  if (index == Index::kMsix && set.count > free_msix_vectors) {
    return static_cast<int>(free_msix_vectors);
  }
  std::vector<int> events(set.count);
  std::memcpy(events.data(), set.data, set.count * sizeof(int32_t));
  triggers_[index] = events;
  line_masked_ = false;
  FireLine();
  return 0;
}

ssize_t FakePciKernel::ReadAt(int descriptor, MutableByteSpan out, uint64_t offset) {
  const Role role = RoleOf(descriptor);
  absl::MutexLock lock(&mu_);
  if (role == Role::kDevice) offset -= RegionOffset(VFIO_PCI_CONFIG_REGION_INDEX);
  if (role == Role::kDevice || role == Role::kConfig) {
    if (offset + out.size() > config_.size()) return -EINVAL;
    std::copy_n(config_.begin() + static_cast<ptrdiff_t>(offset), out.size(), out.begin());
    return static_cast<ssize_t>(out.size());
  }
  if (role != Role::kPagemap) return PosixSystemCalls::ReadAt(descriptor, out, offset);
  for (size_t i = 0; i < out.size() / 8; ++i) {
    const uint64_t page = offset / 8 + i - huge_page_ / kPage;
    const uint64_t frame = kFirstFrame + page + (frames_in_pieces && page > 9 ? 1 : 0);
    StoreLe64(out, 8 * i, uint64_t{1} << 63 | (shows_frames ? frame : 0));
  }
  return static_cast<ssize_t>(out.size());
}

ssize_t FakePciKernel::WriteAt(int descriptor, ByteSpan bytes, uint64_t offset) {
  const Role role = RoleOf(descriptor);
  absl::MutexLock lock(&mu_);
  if (role == Role::kDevice) offset -= RegionOffset(VFIO_PCI_CONFIG_REGION_INDEX);
  if (role != Role::kDevice && role != Role::kConfig) return -EBADF;
  if (offset + bytes.size() > config_.size()) return -EINVAL;
  std::copy(bytes.begin(), bytes.end(), config_.begin() + static_cast<ptrdiff_t>(offset));
  FireLine();
  return static_cast<ssize_t>(bytes.size());
}

ssize_t FakePciKernel::Read(int descriptor, MutableByteSpan out) {
  const Role role = RoleOf(descriptor);
  if (role == Role::kType) {
    std::copy(iommu_type.begin(), iommu_type.end(), out.begin());
    return static_cast<ssize_t>(iommu_type.size());
  }
  if (role != Role::kNode) return PosixSystemCalls::Read(descriptor, out);
  {
    absl::MutexLock lock(&mu_);
    if (driver != "uio_pci_generic" || vectors[Index::kIntx] == 0) return -EIO;
  }
  uint8_t count[8];
  const ssize_t size = PosixSystemCalls::Read(descriptor, absl::MakeSpan(count));
  if (size < 0) return size;
  std::copy_n(count, 4, out.begin());
  return 4;
}

ssize_t FakePciKernel::SizeOf(int descriptor) {
  return RoleOf(descriptor) == Role::kBar ? ssize_t{kBarSize}
                                          : PosixSystemCalls::SizeOf(descriptor);
}

int FakePciKernel::Map(int descriptor, size_t size, uint64_t offset, MutableByteSpan& out) {
  const Role role = RoleOf(descriptor);
  const bool bar = role == Role::kBar || (role == Role::kDevice && offset == RegionOffset(1));
  if (role == Role::kBar && locked_down) return -EPERM;
  if (!bar || size > kBarSize) return -EINVAL;
  return PosixSystemCalls::Map(bar_file_.get(), size, 0, out);
}

int FakePciKernel::MapMemory(size_t size, bool huge, MutableByteSpan& out) {
  if (huge) {
    if (free_huge_pages == 0) return -ENOMEM;
    size = size_t{2} << 20;
  }
  const int result = PosixSystemCalls::MapMemory(size, false, out);
  absl::MutexLock lock(&mu_);
  if (result == 0 && huge) huge_page_ = reinterpret_cast<uintptr_t>(out.data());
  return result;
}

int FakePciKernel::Lock(int descriptor) {
  if (RoleOf(descriptor) != Role::kConfig) return PosixSystemCalls::Lock(descriptor);
  absl::MutexLock lock(&mu_);
  const bool was = std::exchange(locked_, true);
  return was ? -EWOULDBLOCK : 0;
}

int FakePciKernel::ReadLink(const std::string& path, std::string& target) {
  absl::MutexLock lock(&mu_);
  if (path == absl::StrCat(kFolder, "/driver")) {
    if (driver.empty()) return -ENOENT;
    target = "../../../../bus/pci/drivers/" + driver;
    return 0;
  }
  if (path == absl::StrCat(kFolder, "/iommu_group")) {
    if (!has_iommu) return -ENOENT;
    target = "../../../../kernel/iommu_groups/7";
    return 0;
  }
  for (const auto& [function, other] : neighbours) {
    if (path != absl::StrCat("/sys/bus/pci/devices/", function, "/driver")) continue;
    target = "../../../../bus/pci/drivers/" + other;
    return 0;
  }
  return -ENOENT;
}

int FakePciKernel::List(const std::string& path, std::vector<std::string>& names) {
  absl::MutexLock lock(&mu_);
  names.clear();
  if (path == kFolder) {
    names = {"config", "driver", "resource1"};
  } else if (path == absl::StrCat(kFolder, "/iommu_group/devices")) {
    names = {kAddress};
    for (const auto& [function, other] : neighbours) names.push_back(function);
  } else if (path == absl::StrCat(kFolder, "/uio")) {
    names = {"uio3"};
  } else {
    return -ENOENT;
  }
  return 0;
}

}  // namespace sasd::pci_ioc
