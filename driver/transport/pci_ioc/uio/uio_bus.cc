#include "driver/transport/pci_ioc/uio/uio_bus.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/memory/memory.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "driver/transport/pci_ioc/system/pci_files.h"

namespace sasd::pci_ioc {
namespace {

constexpr char kDriver[] = "uio_pci_generic";
constexpr uint64_t kPage = 4096;
// Documentation/admin-guide/mm/pagemap.rst.
constexpr uint64_t kPagePresent = uint64_t{1} << 63;
constexpr uint64_t kFrameMask = (uint64_t{1} << 55) - 1;

absl::Status LockedDown(absl::string_view what, int negative_errno) {
  return absl::PermissionDeniedError(
      absl::StrCat(what, ": ", std::strerror(-negative_errno),
                   "; uio needs root, and a kernel that is not locked down (Secure Boot); use "
                   "vfio-pci instead"));
}

bool IsForbidden(int negative_errno) {
  return negative_errno == -EPERM || negative_errno == -EACCES;
}

}  // namespace

absl::StatusOr<std::unique_ptr<UioBus>> UioBus::Open(SystemCalls& calls,
                                                     absl::string_view address) {
  if (absl::Status s = CheckDriver(calls, address, kDriver); !s.ok()) return s;
  auto bus = absl::WrapUnique(new UioBus(calls, address));
  for (absl::Status (UioBus::*step)() :
       {&UioBus::LockFunction, &UioBus::CheckNoTranslation, &UioBus::OpenConfig,
        &UioBus::MapRegisters, &UioBus::OpenNode}) {
    if (absl::Status s = (bus.get()->*step)(); !s.ok()) return s;
  }
  return bus;
}

UioBus::~UioBus() {
  if (node_.valid() && LookAtDriver()) {
    WriteConfig(kPciCommand, ReadConfig(kPciCommand, 2) & ~kPciCommandBusMaster, 2);
    DisableInterrupts();
  }
  registers_.reset();
  calls_.Unmap(bar_);
  node_.Close();
  config_.Close();  // and with it the lock
  calls_.Unmap(arena_.bytes);
}

// Before anything that has an effect on the function: closing uio's node turns bus master off.
absl::Status UioBus::LockFunction() {
  const std::string path = absl::StrCat(FolderOf(address_), "/config");
  config_ = SystemFile(calls_, calls_.Open(path, O_RDWR));
  if (IsForbidden(config_.get())) return LockedDown(absl::StrCat("open ", path), config_.get());
  if (!config_.valid()) return CallError(config_.get(), absl::StrCat("open ", path));
  if (calls_.Lock(config_.get()) == 0) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("another process has ", address_, ": a second sasd?"));
}

// With translation a physical address leads nowhere, or somewhere else.
absl::Status UioBus::CheckNoTranslation() {
  const std::string path = absl::StrCat(FolderOf(address_), "/iommu_group/type");
  const SystemFile file(calls_, calls_.Open(path, O_RDONLY));
  if (!file.valid()) return absl::OkStatus();  // no IOMMU
  char text[32];
  const ssize_t size =
      calls_.Read(file.get(), MutableByteSpan(reinterpret_cast<uint8_t*>(text), sizeof(text)));
  const absl::string_view type =
      absl::StripAsciiWhitespace({text, static_cast<size_t>(size < 0 ? 0 : size)});
  if (type == "identity") return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("an IOMMU translates the addresses of ",
                                                    address_, "; use vfio-pci: sasd-hba take ",
                                                    address_));
}

absl::Status UioBus::OpenConfig() {
  auto function = ReadFunction(
      address_, [this](uint32_t offset, uint32_t size) { return ReadConfig(offset, size); });
  if (!function.ok()) return function.status();
  function_ = *std::move(function);
  return absl::OkStatus();
}

absl::Status UioBus::MapRegisters() {
  const auto bar =
      FirstMemoryBar([this](uint32_t offset, uint32_t size) { return ReadConfig(offset, size); });
  if (!bar.has_value()) {
    return absl::UnimplementedError(absl::StrCat(address_, " has no memory BAR to map"));
  }
  const std::string path = absl::StrCat(FolderOf(address_), "/resource", *bar);
  const SystemFile file(calls_, calls_.Open(path, O_RDWR | O_SYNC));
  if (IsForbidden(file.get())) return LockedDown(absl::StrCat("open ", path), file.get());
  if (!file.valid()) return CallError(file.get(), absl::StrCat("open ", path));
  const ssize_t size = calls_.SizeOf(file.get());
  if (size <= 0) return absl::UnimplementedError(absl::StrCat(path, " is empty"));
  const int r = calls_.Map(file.get(), static_cast<size_t>(size), 0, bar_);
  if (IsForbidden(r)) return LockedDown(absl::StrCat("map ", path), r);
  if (r < 0) return CallError(r, absl::StrCat("map ", path));
  registers_.emplace(bar_);
  return absl::OkStatus();
}

absl::Status UioBus::OpenNode() {
  std::vector<std::string> names;
  calls_.List(absl::StrCat(FolderOf(address_), "/uio"), names);
  if (names.empty() || !absl::StartsWith(names[0], "uio")) {
    return absl::FailedPreconditionError(absl::StrCat(address_, " has no UIO node"));
  }
  const std::string path = absl::StrCat("/dev/", names[0]);
  SystemFile node(calls_, calls_.Open(path, O_RDWR | O_NONBLOCK));
  if (!node.valid()) return CallError(node.get(), absl::StrCat("open ", path));
  wake_ = SystemFile(calls_, calls_.EventFd());
  if (!wake_.valid()) return CallError(wake_.get(), "eventfd");
  node_ = std::move(node);
  const uint32_t command = ReadConfig(kPciCommand, 2) & ~kPciCommandBusMaster;
  WriteConfig(kPciCommand, command | kPciCommandMemory | kPciCommandIntxDisable, 2);
  return absl::OkStatus();
}

bool UioBus::LookAtDriver() {
  if (LinkOf(calls_, address_, "driver") != kDriver) lost_ = true;
  return !lost_;
}

uint32_t UioBus::ReadConfig(uint32_t offset, uint32_t size) {
  uint8_t bytes[4] = {0xFF, 0xFF, 0xFF, 0xFF};
  const bool read = !lost_ && calls_.ReadAt(config_.get(), MutableByteSpan(bytes, size), offset) ==
                                  static_cast<ssize_t>(size);
  const uint32_t value = read ? LoadLe32(bytes, 0) : ~uint32_t{0};
  return size == 4 ? value : value & ((1u << 8 * size) - 1);
}

void UioBus::WriteConfig(uint32_t offset, uint32_t value, uint32_t size) {
  if (lost_) return;
  uint8_t bytes[4];
  StoreLe32(absl::MakeSpan(bytes), 0, value);
  calls_.WriteAt(config_.get(), ByteSpan(bytes, size), offset);
}

uint32_t UioBus::Read32(uint32_t offset) {
  return lost_ ? ~uint32_t{0} : registers_->Read32(offset);
}

void UioBus::Write32(uint32_t offset, uint32_t value) {
  if (!lost_) registers_->Write32(offset, value);
}

void UioBus::Write64(uint32_t offset, uint64_t value) {
  if (!lost_) registers_->Write64(offset, value);
}

absl::StatusOr<DmaArena> UioBus::AllocateArena(size_t size) {
  if (size == 0 || size > kMaxArena) {
    return absl::InvalidArgumentError(absl::StrCat("an arena of ", size, " bytes"));
  }
  if (!arena_.bytes.empty()) return absl::FailedPreconditionError("there is an arena already");
  MutableByteSpan memory;
  if (const int r = calls_.MapMemory(size, true, memory); r < 0) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "no huge page: ", std::strerror(-r), "; run: sysctl vm.nr_hugepages=8 (one per HBA)"));
  }
  const auto address = PhysicalAddressOf(memory);
  if (!address.ok()) {
    calls_.Unmap(memory);
    return address.status();
  }
  arena_ = {memory, *address};
  return arena_;
}

absl::StatusOr<uint64_t> UioBus::PhysicalAddressOf(MutableByteSpan memory) {
  const SystemFile pagemap(calls_, calls_.Open("/proc/self/pagemap", O_RDONLY));
  if (!pagemap.valid()) return CallError(pagemap.get(), "open /proc/self/pagemap");
  Bytes entries(memory.size() / kPage * sizeof(uint64_t));
  const uint64_t first = reinterpret_cast<uintptr_t>(memory.data()) / kPage;
  const ssize_t read =
      calls_.ReadAt(pagemap.get(), absl::MakeSpan(entries), first * sizeof(uint64_t));
  if (read != static_cast<ssize_t>(entries.size())) {
    return absl::InternalError("/proc/self/pagemap is too short");
  }
  const uint64_t frame = LoadLe64(entries, 0) & kFrameMask;
  if (frame == 0) {
    return absl::PermissionDeniedError(
        "the kernel shows physical addresses to CAP_SYS_ADMIN alone; uio needs root");
  }
  for (size_t i = 0; i < entries.size() / sizeof(uint64_t); ++i) {
    const uint64_t entry = LoadLe64(entries, i * sizeof(uint64_t));
    if ((entry & kPagePresent) == 0 || (entry & kFrameMask) != frame + i) {
      return absl::InternalError("the arena is not one piece of memory");
    }
  }
  return frame * kPage;
}

void UioBus::SetIntxDisabled(bool disabled) {
  const uint32_t command = ReadConfig(kPciCommand, 2) & ~kPciCommandIntxDisable;
  WriteConfig(kPciCommand, command | (disabled ? kPciCommandIntxDisable : 0), 2);
}

absl::StatusOr<size_t> UioBus::EnableInterrupts(InterruptMode mode, size_t) {
  DisableInterrupts();
  if (mode == InterruptMode::kNone) return 0;
  if (mode == InterruptMode::kMsix) {
    return absl::UnimplementedError("uio_pci_generic has no MSI-X");
  }
  uint8_t count[4];  // of earlier interrupts
  if (calls_.Read(node_.get(), absl::MakeSpan(count)) == -EIO) {
    return absl::UnimplementedError(absl::StrCat(address_, " has no interrupt"));
  }
  intx_ = true;
  SetIntxDisabled(false);
  return 1;
}

void UioBus::DisableInterrupts() {
  if (intx_) SetIntxDisabled(true);
  intx_ = false;
}

// uio_pci_generic masks by the command register when it fires.
void UioBus::RearmInterrupt() {
  if (intx_) SetIntxDisabled(false);
}

WaitResult UioBus::Wait(absl::Duration timeout) {
  WaitResult result;
  result.failed = !LookAtDriver();
  if (result.failed) return result;
  pollfd files[] = {{wake_.get(), POLLIN, 0}, {node_.get(), POLLIN, 0}};
  calls_.Poll(absl::Span<pollfd>(files, intx_ ? 2 : 1), timeout);
  uint8_t count[8];
  result.woken = files[0].revents != 0 && calls_.Read(wake_.get(), absl::MakeSpan(count)) > 0;
  if (files[1].revents != 0) {
    const ssize_t read = calls_.Read(node_.get(), MutableByteSpan(count, 4));
    result.interrupt = intx_ && read == 4;
    // What was removed or unbound meanwhile fails with EIO.
    if (read < 0 && read != -EAGAIN) lost_ = true;
  }
  result.failed = !LookAtDriver();
  return result;
}

void UioBus::Wake() {
  const uint8_t one[8] = {1};
  calls_.Write(wake_.get(), one);
}

absl::Status UioBus::error() const {
  if (!lost_) return absl::OkStatus();
  return absl::NotFoundError(
      absl::StrCat(address_, " was removed, or unbound from ", kDriver, " while sasd drove it"));
}

}  // namespace sasd::pci_ioc
