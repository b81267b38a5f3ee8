#include "driver/transport/pci_ioc/vfio/vfio_bus.h"

#include <fcntl.h>
#include <linux/vfio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "driver/transport/pci_ioc/system/pci_files.h"

namespace sasd::pci_ioc {
namespace {

constexpr uint64_t kPage = 4096, kAlignment = uint64_t{2} << 20;
constexpr uint64_t kPreferred = uint64_t{1} << 30, kFourGiB = uint64_t{1} << 32;
constexpr char kContainer[] = "/dev/vfio/vfio";

// A structure of the kernel's with data behind it. `T` begins with argsz.
template <typename T>
class WithTail {
 public:
  explicit WithTail(size_t tail) : bytes_(sizeof(T) + tail) {
    header().argsz = static_cast<uint32_t>(bytes_.size());
  }
  T& header() { return *static_cast<T*>(static_cast<void*>(bytes_.data())); }
  uint8_t* tail() { return bytes_.data() + sizeof(T); }
  const Bytes& bytes() const { return bytes_; }

 private:
  Bytes bytes_;
};

void* Value(uintptr_t value) { return reinterpret_cast<void*>(value); }  // of an ioctl

}  // namespace

std::optional<uint64_t> ChooseIova(absl::Span<const IovaRange> usable, uint64_t size) {
  for (const uint64_t lowest : {kPreferred, kAlignment}) {
    for (const IovaRange& range : usable) {
      const uint64_t first = std::max(range.first, lowest);
      if (first > kFourGiB) continue;
      const uint64_t start = (first + kAlignment - 1) / kAlignment * kAlignment;
      if (start < kFourGiB && size <= kFourGiB - start && start <= range.last &&
          size - 1 <= range.last - start) {
        return start;
      }
    }
  }
  return std::nullopt;
}

absl::StatusOr<std::unique_ptr<VfioBus>> VfioBus::Open(SystemCalls& calls,
                                                       absl::string_view address) {
  if (absl::Status s = CheckDriver(calls, address, "vfio-pci"); !s.ok()) return s;
  auto bus = absl::WrapUnique(new VfioBus(calls, address));
  for (absl::Status (VfioBus::*step)() :
       {&VfioBus::OpenGroup, &VfioBus::CheckViable, &VfioBus::JoinContainer,
        &VfioBus::ReadUsableRanges, &VfioBus::OpenDevice, &VfioBus::MapRegisters,
        &VfioBus::ListenForNotices}) {
    if (absl::Status s = (bus.get()->*step)(); !s.ok()) return s;
  }
  return bus;
}

VfioBus::~VfioBus() {
  if (device_.valid()) {
    WriteConfig(kPciCommand, ReadConfig(kPciCommand, 2) & ~kPciCommandBusMaster, 2);
    DisableInterrupts();
  }
  registers_.reset();
  calls_.Unmap(bar_);
  device_.Close();
  group_.Close();
  container_.Close();  // unmaps the arena from the IOMMU
  calls_.Unmap(arena_.bytes);
}

absl::Status VfioBus::OpenGroup() {
  const std::string group = LinkOf(calls_, address_, "iommu_group");
  if (group.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat(address_,
                     " has no IOMMU; turn it on in the firmware's setup (VT-d, AMD-Vi), and with "
                     "intel_iommu=on on the kernel's command line"));
  }
  container_ = SystemFile(calls_, calls_.Open(kContainer, O_RDWR));
  if (!container_.valid()) return CallError(container_.get(), absl::StrCat("open ", kContainer));
  const std::string path = absl::StrCat("/dev/vfio/", group);
  group_ = SystemFile(calls_, calls_.Open(path, O_RDWR));
  if (group_.valid()) return absl::OkStatus();
  switch (-group_.get()) {
    case EBUSY:
      return absl::UnavailableError(
          absl::StrCat("another process has ", address_, " (", path, "): a second sasd?"));
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(
          absl::StrCat("sasd may not open ", path, "; run: sasd-hba take ", address_));
    default:
      return CallError(group_.get(), absl::StrCat("open ", path));
  }
}

absl::Status VfioBus::CheckViable() {
  vfio_group_status status = {};
  status.argsz = sizeof(status);
  if (const int r = calls_.Ioctl(group_.get(), VFIO_GROUP_GET_STATUS, &status); r < 0) {
    return CallError(r, "VFIO_GROUP_GET_STATUS");
  }
  if ((status.flags & VFIO_GROUP_FLAGS_VIABLE) != 0) return absl::OkStatus();
  std::vector<std::string> functions, others;
  calls_.List(absl::StrCat(FolderOf(address_), "/iommu_group/devices"), functions);
  for (const std::string& other : functions) {
    const std::string driver = LinkOf(calls_, other, "driver");
    // These do no DMA of their own, and do not stand in the way.
    const bool idle =
        driver.empty() || driver == "vfio-pci" || driver == "pcieport" || driver == "pci-stub";
    if (other != address_ && !idle) {
      others.push_back(absl::StrCat(other, " (", driver, ")"));
    }
  }
  return absl::FailedPreconditionError(
      absl::StrCat("the IOMMU cannot part ", address_, " from ",
                   others.empty() ? "another function" : absl::StrJoin(others, ", "),
                   "; take or unbind all functions of the group"));
}

absl::Status VfioBus::JoinContainer() {
  int version = calls_.Ioctl(container_.get(), VFIO_GET_API_VERSION, nullptr);
  if (version != VFIO_API_VERSION) {
    return absl::InternalError(absl::StrCat("vfio has version ", version));
  }
  const int type = calls_.Ioctl(container_.get(), VFIO_CHECK_EXTENSION, Value(VFIO_TYPE1v2_IOMMU));
  if (type <= 0) {
    return absl::FailedPreconditionError(
        "vfio has no IOMMU of type 1; run: modprobe vfio_iommu_type1");
  }
  int container = container_.get();
  if (const int r = calls_.Ioctl(group_.get(), VFIO_GROUP_SET_CONTAINER, &container); r < 0) {
    return CallError(r, absl::StrCat("the IOMMU group of ", address_, " cannot be used"));
  }
  const int r = calls_.Ioctl(container_.get(), VFIO_SET_IOMMU, Value(VFIO_TYPE1v2_IOMMU));
  if (r == -EPERM) {
    return absl::FailedPreconditionError(
        "this machine's IOMMU does not remap interrupts, so a function could send any; if you "
        "trust "
        "it, run: echo 1 >/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts");
  }
  return r < 0 ? CallError(r, "VFIO_SET_IOMMU") : absl::OkStatus();
}

// Capabilities are a list of offsets; a kernel before 5.4 has none.
absl::Status VfioBus::ReadUsableRanges() {
  vfio_iommu_type1_info probe = {};
  probe.argsz = sizeof(probe);
  if (const int r = calls_.Ioctl(container_.get(), VFIO_IOMMU_GET_INFO, &probe); r < 0) {
    return CallError(r, "VFIO_IOMMU_GET_INFO");
  }
  constexpr uint32_t kMost = 64 * 1024;
  const uint32_t size = std::clamp<uint32_t>(probe.argsz, sizeof(probe), kMost);
  WithTail<vfio_iommu_type1_info> info(size - sizeof(probe));
  if (const int r = calls_.Ioctl(container_.get(), VFIO_IOMMU_GET_INFO, &info.header()); r < 0) {
    return CallError(r, "VFIO_IOMMU_GET_INFO");
  }
  const ByteSpan bytes = info.bytes();
  const bool listed = (info.header().flags & VFIO_IOMMU_INFO_CAPS) != 0;
  uint32_t at = listed ? info.header().cap_offset : 0;
  for (int count = 0; at != 0 && count < 32; ++count) {
    if (at > bytes.size() || bytes.size() - at < 16) break;
    if (LoadLe16(bytes, at) == VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE) {
      const uint32_t ranges = LoadLe32(bytes, at + 8);
      for (uint32_t i = 0; i < ranges && bytes.size() - at >= 32 + size_t{16} * i; ++i) {
        usable_.push_back({LoadLe64(bytes, at + 16 + 16 * i), LoadLe64(bytes, at + 24 + 16 * i)});
      }
    }
    at = LoadLe32(bytes, at + 4);
  }
  // Never the range where a write is an interrupt.
  if (usable_.empty()) usable_.push_back({0, 0xFEDFFFFF});
  return absl::OkStatus();
}

absl::Status VfioBus::OpenDevice() {
  std::string name = address_;
  device_ = SystemFile(calls_, calls_.Ioctl(group_.get(), VFIO_GROUP_GET_DEVICE_FD, name.data()));
  if (!device_.valid()) return CallError(device_.get(), absl::StrCat("vfio: open ", address_));
  vfio_region_info region = {};
  region.argsz = sizeof(region);
  region.index = VFIO_PCI_CONFIG_REGION_INDEX;
  if (const int r = calls_.Ioctl(device_.get(), VFIO_DEVICE_GET_REGION_INFO, &region); r < 0) {
    return CallError(r, "vfio: the configuration space");
  }
  config_offset_ = region.offset;
  auto function = ReadFunction(
      address_, [this](uint32_t offset, uint32_t size) { return ReadConfig(offset, size); });
  if (!function.ok()) return function.status();
  function_ = *std::move(function);
  const uint32_t command = ReadConfig(kPciCommand, 2) & ~kPciCommandBusMaster;
  WriteConfig(kPciCommand, command | kPciCommandMemory, 2);
  return absl::OkStatus();
}

absl::Status VfioBus::MapRegisters() {
  const auto bar =
      FirstMemoryBar([this](uint32_t offset, uint32_t size) { return ReadConfig(offset, size); });
  vfio_region_info region = {};
  region.argsz = sizeof(region);
  region.index = VFIO_PCI_BAR0_REGION_INDEX + static_cast<uint32_t>(bar.value_or(0));
  const int r = calls_.Ioctl(device_.get(), VFIO_DEVICE_GET_REGION_INFO, &region);
  if (!bar.has_value() || r < 0 || (region.flags & VFIO_REGION_INFO_FLAG_MMAP) == 0) {
    return absl::UnimplementedError(absl::StrCat(address_, " has no memory BAR to map"));
  }
  if (const int mapped = calls_.Map(device_.get(), region.size, region.offset, bar_); mapped < 0) {
    return CallError(mapped, absl::StrCat(address_, ": map BAR ", *bar));
  }
  registers_.emplace(bar_);
  return absl::OkStatus();
}

absl::Status VfioBus::ListenForNotices() {
  for (SystemFile* event : {&interrupt_, &wake_, &release_, &failure_}) {
    *event = SystemFile(calls_, calls_.EventFd());
    if (!event->valid()) return CallError(event->get(), "eventfd");
  }
  // A kernel without one of them: unbinding then waits for this process.
  if (VectorsOf(VFIO_PCI_REQ_IRQ_INDEX) != 0) SetTrigger(VFIO_PCI_REQ_IRQ_INDEX, release_, 1);
  if (VectorsOf(VFIO_PCI_ERR_IRQ_INDEX) != 0) SetTrigger(VFIO_PCI_ERR_IRQ_INDEX, failure_, 1);
  return absl::OkStatus();
}

uint32_t VfioBus::VectorsOf(uint32_t index) {
  vfio_irq_info info = {};
  info.argsz = sizeof(info);
  info.index = index;
  const int r = calls_.Ioctl(device_.get(), VFIO_DEVICE_GET_IRQ_INFO, &info);
  return r < 0 || (info.flags & VFIO_IRQ_INFO_EVENTFD) == 0 ? 0 : info.count;
}

int VfioBus::SetTrigger(uint32_t index, const SystemFile& event, size_t count) {
  WithTail<vfio_irq_set> set(count * sizeof(int32_t));
  set.header().flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
  set.header().index = index;
  set.header().count = static_cast<uint32_t>(count);
  const int32_t descriptor = event.get();
  for (size_t i = 0; i < count; ++i) {
    std::memcpy(set.tail() + i * sizeof(descriptor), &descriptor, sizeof(descriptor));
  }
  return calls_.Ioctl(device_.get(), VFIO_DEVICE_SET_IRQS, &set.header());
}

uint32_t VfioBus::ReadConfig(uint32_t offset, uint32_t size) {
  uint8_t bytes[4] = {0xFF, 0xFF, 0xFF, 0xFF};
  const auto read =
      calls_.ReadAt(device_.get(), MutableByteSpan(bytes, size), config_offset_ + offset);
  const uint32_t value = read == static_cast<ssize_t>(size) ? LoadLe32(bytes, 0) : ~uint32_t{0};
  return size == 4 ? value : value & ((1u << 8 * size) - 1);
}

void VfioBus::WriteConfig(uint32_t offset, uint32_t value, uint32_t size) {
  uint8_t bytes[4];
  StoreLe32(absl::MakeSpan(bytes), 0, value);
  calls_.WriteAt(device_.get(), ByteSpan(bytes, size), config_offset_ + offset);
}

absl::StatusOr<DmaArena> VfioBus::AllocateArena(size_t size) {
  if (size == 0 || size > kMaxArena) {
    return absl::InvalidArgumentError(absl::StrCat("an arena of ", size, " bytes"));
  }
  if (!arena_.bytes.empty()) return absl::FailedPreconditionError("there is an arena already");
  size = (size + kPage - 1) / kPage * kPage;
  const auto iova = ChooseIova(usable_, size);
  if (!iova.has_value()) {
    return absl::ResourceExhaustedError("the IOMMU has no room for the arena below 4 GiB");
  }
  MutableByteSpan memory;
  if (const int r = calls_.MapMemory(size, false, memory); r < 0) {
    return absl::ResourceExhaustedError(
        absl::StrCat("no memory for the arena: ", std::strerror(-r)));
  }
  vfio_iommu_type1_dma_map map = {};
  map.argsz = sizeof(map);
  map.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE;
  map.vaddr = reinterpret_cast<uintptr_t>(memory.data());
  map.iova = *iova;
  map.size = memory.size();
  if (const int r = calls_.Ioctl(container_.get(), VFIO_IOMMU_MAP_DMA, &map); r < 0) {
    calls_.Unmap(memory);
    if (r != -ENOMEM) return CallError(r, "VFIO_IOMMU_MAP_DMA");
    return absl::ResourceExhaustedError(absl::StrCat(
        "cannot pin ", size / 1024, " KiB: RLIMIT_MEMLOCK is ", calls_.MemlockLimit() / 1024,
        " KiB; set LimitMEMLOCK=64M in sasd's unit (systemctl edit sasd), or run: ulimit -l "
        "65536"));
  }
  arena_ = {memory, *iova};
  return arena_;
}

absl::StatusOr<size_t> VfioBus::EnableInterrupts(InterruptMode mode, size_t vectors) {
  DisableInterrupts();
  if (mode == InterruptMode::kNone) return 0;
  const bool msix = mode == InterruptMode::kMsix;
  const uint32_t index = msix ? VFIO_PCI_MSIX_IRQ_INDEX : VFIO_PCI_INTX_IRQ_INDEX;
  size_t count = std::min<size_t>(VectorsOf(index), msix ? std::max<size_t>(vectors, 1) : 1);
  if (count == 0) {
    return absl::UnimplementedError(absl::StrCat(address_, " has no ", msix ? "MSI-X" : "INTx"));
  }
  int r = SetTrigger(index, interrupt_, count);
  if (r > 0) {  // the kernel has only so many
    count = std::min(count, static_cast<size_t>(r));
    r = SetTrigger(index, interrupt_, count);
  }
  if (r != 0) {
    return absl::InternalError(absl::StrCat(
        address_, ": the kernel refuses ", count,
        msix ? " MSI-X vectors: " : " INTx: ", r < 0 ? std::strerror(-r) : "too many"));
  }
  enabled_ = index;
  return count;
}

void VfioBus::DisableInterrupts() {
  if (!enabled_.has_value()) return;
  vfio_irq_set set = {};
  set.argsz = sizeof(set);
  set.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER;
  set.index = *enabled_;
  calls_.Ioctl(device_.get(), VFIO_DEVICE_SET_IRQS, &set);
  enabled_.reset();
}

void VfioBus::RearmInterrupt() {
  if (enabled_ != uint32_t{VFIO_PCI_INTX_IRQ_INDEX}) return;
  vfio_irq_set set = {};
  set.argsz = sizeof(set);
  set.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_UNMASK;
  set.index = VFIO_PCI_INTX_IRQ_INDEX;
  set.count = 1;
  calls_.Ioctl(device_.get(), VFIO_DEVICE_SET_IRQS, &set);
}

WaitResult VfioBus::Wait(absl::Duration timeout) {
  pollfd files[] = {{interrupt_.get(), POLLIN, 0},
                    {wake_.get(), POLLIN, 0},
                    {release_.get(), POLLIN, 0},
                    {failure_.get(), POLLIN, 0}};
  calls_.Poll(absl::MakeSpan(files), timeout);
  uint8_t count[8];
  WaitResult result;
  result.interrupt =
      files[0].revents != 0 && calls_.Read(interrupt_.get(), absl::MakeSpan(count)) > 0;
  result.woken = files[1].revents != 0 && calls_.Read(wake_.get(), absl::MakeSpan(count)) > 0;
  result.release_requested = files[2].revents != 0;
  result.failed = files[3].revents != 0;
  return result;
}

void VfioBus::Wake() {
  const uint8_t one[8] = {1};
  calls_.Write(wake_.get(), one);
}

bool VfioBus::IsSet(const SystemFile& event) const {
  pollfd file = {event.get(), POLLIN, 0};
  return calls_.Poll({&file, 1}, absl::ZeroDuration()) > 0;
}

bool VfioBus::ReleaseRequested() const { return IsSet(release_); }

absl::Status VfioBus::error() const {
  if (!IsSet(failure_)) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat(address_, ": the PCI bus reported an uncorrectable error"));
}

}  // namespace sasd::pci_ioc
