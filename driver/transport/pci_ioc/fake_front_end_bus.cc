#include "driver/transport/pci_ioc/fake_front_end_bus.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "driver/transport/pci_ioc/system_interface.h"
#include "emulator/pci/config_space.h"
#include "emulator/pci/pci_identity.h"

namespace sasd::pci_ioc {
namespace {

using emulator::pci::kMsixTableOffset;

constexpr uint32_t kMemoryBar = 0x14, kCapabilities = 0x34, kMsixCapability = 0x11;
constexpr uint32_t kMsixEnable = 0x8000;
constexpr uint64_t kMessageAddress = 0xFEE00000;

uint32_t AllOnes(uint32_t size) { return size == 4 ? 0xFFFFFFFF : (uint32_t{1} << 8 * size) - 1; }

}  // namespace

// ----------------------------------------------------------------------------------- The slot

std::unique_ptr<emulator::HbaFrontEnd> FakeSlot::Plug(emulator::VirtualHba& hba, Clock& clock,
                                                      emulator::MpiGeneration generation,
                                                      bool with_msix) {
  return Plug(hba, clock, emulator::pci::IdentityOf(generation), with_msix);
}

std::unique_ptr<emulator::HbaFrontEnd> FakeSlot::Plug(emulator::VirtualHba& hba, Clock& clock,
                                                      const emulator::pci::PciIdentity& identity,
                                                      bool with_msix) {
  identity_ = identity;
  auto made = std::make_unique<emulator::pci::PciFrontEnd>(
      hba, clock, emulator::pci::PciFrontEnd::Options{identity_, with_msix}, *this);
  front_end_ = made.get();
  // The firmware of the machine places the BAR.
  front_end_->WriteConfig({kMemoryBar, kBar, 4});
  return made;
}

uint32_t FakeSlot::ReadConfig(uint32_t offset, uint32_t size) {
  return unplugged_ ? AllOnes(size) : front_end_->ReadConfig({offset, 0, size});
}
void FakeSlot::WriteConfig(uint32_t offset, uint32_t value, uint32_t size) {
  if (!unplugged_) front_end_->WriteConfig({offset, value, size});
}
uint32_t FakeSlot::Read32(uint32_t offset) {
  if (unplugged_) return AllOnes(4);
  return static_cast<uint32_t>(front_end_->ReadBar({kBar + offset, 0, 4, true}));
}
void FakeSlot::Write32(uint32_t offset, uint32_t value) {
  if (!unplugged_) front_end_->WriteBar({kBar + offset, value, 4, true});
}
mpi::IocState FakeSlot::ioc_state() {
  return static_cast<mpi::IocState>(Read32(system_interface::kDoorbell) >> 28);
}

void FakeSlot::Attach(FakeFrontEndBus* bus) {
  absl::MutexLock lock(&mu_);
  bus_ = bus;
}

void FakeSlot::SendMessage(uint64_t address, uint32_t data) {
  absl::MutexLock lock(&mu_);
  if (bus_ != nullptr && address == kMessageAddress && !unplugged_) bus_->OnMessage(data);
}

void FakeSlot::SetLine(bool level) {
  absl::MutexLock lock(&mu_);
  if (bus_ != nullptr && !unplugged_) bus_->OnLine(level);
}

// ------------------------------------------------------------------------------------ The bus

FakeFrontEndBus::FakeFrontEndBus(FakeSlot& slot, Options options)
    : slot_(slot), options_(std::move(options)) {
  function_.address = options_.address;
  function_.vendor_id = static_cast<uint16_t>(slot_.ReadConfig(0x00, 2));
  function_.device_id = static_cast<uint16_t>(slot_.ReadConfig(0x02, 2));
  function_.revision = static_cast<uint8_t>(slot_.ReadConfig(0x08, 1));
  function_.subsystem_vendor_id = static_cast<uint16_t>(slot_.ReadConfig(0x2C, 2));
  function_.subsystem_id = static_cast<uint16_t>(slot_.ReadConfig(0x2E, 2));
  const uint32_t command = slot_.ReadConfig(kPciCommand, 2);
  slot_.WriteConfig(kPciCommand, (command | kPciCommandMemory) & ~kPciCommandBusMaster, 2);
  slot_.Attach(this);
}

FakeFrontEndBus::~FakeFrontEndBus() {
  slot_.Attach(nullptr);
  if (options_.close == Close::kVfio) {
    const uint32_t command = slot_.ReadConfig(kPciCommand, 2);
    slot_.WriteConfig(kPciCommand, command & ~kPciCommandBusMaster, 2);
    SetMsixControl(false);
    (void)slot_.front_end().MapMemory({}, {});
  }
  if (!arena_.bytes.empty()) munmap(arena_.bytes.data(), arena_.bytes.size());
}

bool FakeFrontEndBus::MayAccess() {
  const uint64_t number = ++accesses_;
  if (options_.on_access) options_.on_access();
  if (options_.dies_before != 0 && number >= options_.dies_before && !dead_.exchange(true)) {
    Fail(absl::InternalError("killed"));
  }
  return !dead_;
}

uint32_t FakeFrontEndBus::ReadConfig(uint32_t offset, uint32_t size) {
  return MayAccess() ? slot_.ReadConfig(offset, size) : AllOnes(size);
}

void FakeFrontEndBus::WriteConfig(uint32_t offset, uint32_t value, uint32_t size) {
  if (!MayAccess()) return;
  const bool turns_on = offset == kPciCommand && (value & kPciCommandBusMaster) != 0 &&
                        (slot_.ReadConfig(kPciCommand, 2) & kPciCommandBusMaster) == 0;
  const mpi::IocState state = slot_.ioc_state();
  if (turns_on && state != mpi::IocState::kReady) {
    absl::MutexLock lock(&mu_);
    absl::StrAppend(&violations_, "bus master on in state ", mpi::ToString(state), "\n");
  }
  slot_.WriteConfig(offset, value, size);
}

uint32_t FakeFrontEndBus::Read32(uint32_t offset) {
  if (!MayAccess()) return AllOnes(4);
  const uint32_t value = slot_.Read32(offset);
  return options_.on_read ? options_.on_read(offset, value) : value;
}

void FakeFrontEndBus::Write32(uint32_t offset, uint32_t value) {
  if (!MayAccess()) return;
  if (options_.on_write) options_.on_write(offset, value, sizeof(value));
  slot_.Write32(offset, value);
}

void FakeFrontEndBus::Write64(uint32_t offset, uint64_t value) {
  if (!MayAccess() || slot_.unplugged()) return;
  if (options_.on_write) options_.on_write(offset, value, sizeof(value));
  slot_.front_end().WriteBar({FakeSlot::kBar + offset, value, 8, true});
}

absl::StatusOr<DmaArena> FakeFrontEndBus::AllocateArena(size_t size) {
  if (size == 0 || size > kMaxArena) return absl::InvalidArgumentError("arena size");
  if (!arena_.bytes.empty()) return absl::FailedPreconditionError("there is an arena already");
  memory_ = UniqueFd(memfd_create("arena", MFD_CLOEXEC));
  if (ftruncate(memory_.get(), static_cast<off_t>(size)) != 0) {
    return absl::ResourceExhaustedError("ftruncate");
  }
  void* const bytes = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, memory_.get(), 0);
  if (bytes == MAP_FAILED) return absl::ResourceExhaustedError("mmap");
  arena_ = {MutableByteSpan(static_cast<uint8_t*>(bytes), size), options_.arena_address};
  std::vector<UniqueFd> files;
  files.emplace_back(dup(memory_.get()));
  if (absl::Status s =
          slot_.front_end().MapMemory({{options_.arena_address, size, 0}}, std::move(files));
      !s.ok()) {
    return s;
  }
  return arena_;
}

uint32_t FakeFrontEndBus::FindMsix() {
  uint32_t at = slot_.ReadConfig(kCapabilities, 1);
  for (int i = 0; i < 48 && at != 0 && at != 0xFF; ++i) {
    if (slot_.ReadConfig(at, 1) == kMsixCapability) return at;
    at = slot_.ReadConfig(at + 1, 1);
  }
  return 0;
}

void FakeFrontEndBus::SetMsixControl(bool enabled) {
  const uint32_t at = FindMsix();
  if (at == 0) return;
  const uint32_t control = slot_.ReadConfig(at + 2, 2);
  slot_.WriteConfig(at + 2, enabled ? control | kMsixEnable : control & ~kMsixEnable, 2);
}

absl::StatusOr<size_t> FakeFrontEndBus::EnableInterrupts(InterruptMode mode, size_t vectors) {
  DisableInterrupts();
  size_t given = 0;
  if (mode == InterruptMode::kMsix) {
    const uint32_t at = FindMsix();
    if (!options_.msix || at == 0) return absl::UnimplementedError("no MSI-X");
    const size_t table = (slot_.ReadConfig(at + 2, 2) & 0x7FF) + size_t{1};
    given = std::min({vectors, table, options_.max_vectors});
    for (uint32_t i = 0; i < given; ++i) {
      slot_.Write32(kMsixTableOffset + 16 * i, static_cast<uint32_t>(kMessageAddress));
      slot_.Write32(kMsixTableOffset + 16 * i + 4, 0);
      slot_.Write32(kMsixTableOffset + 16 * i + 8, i);
      slot_.Write32(kMsixTableOffset + 16 * i + 12, 0);
    }
  } else if (mode == InterruptMode::kIntx) {
    if (!options_.intx) return absl::UnimplementedError("no INTx");
    given = 1;
  }
  {
    absl::MutexLock lock(&mu_);
    mode_ = mode;
    line_masked_ = false;
    if (mode == InterruptMode::kIntx && line_) interrupt_ = line_masked_ = true;
  }
  if (mode == InterruptMode::kMsix) SetMsixControl(true);
  return given;
}

void FakeFrontEndBus::DisableInterrupts() {
  bool msix;
  {
    absl::MutexLock lock(&mu_);
    msix = std::exchange(mode_, InterruptMode::kNone) == InterruptMode::kMsix;
  }
  if (msix && !dead_) SetMsixControl(false);
}

void FakeFrontEndBus::RearmInterrupt() {
  absl::MutexLock lock(&mu_);
  if (mode_ != InterruptMode::kIntx) return;
  line_masked_ = line_;
  if (line_) interrupt_ = true;
}

void FakeFrontEndBus::OnMessage(uint32_t) {
  absl::MutexLock lock(&mu_);
  if (mode_ == InterruptMode::kMsix && !options_.loses_interrupts) interrupt_ = true;
}

void FakeFrontEndBus::OnLine(bool level) {
  absl::MutexLock lock(&mu_);
  line_ = level;
  if (mode_ != InterruptMode::kIntx || !level || line_masked_) return;
  if (options_.loses_interrupts) return;
  interrupt_ = line_masked_ = true;  // the system masks the line
}

WaitResult FakeFrontEndBus::Wait(absl::Duration timeout) {
  absl::MutexLock lock(&mu_);
  mu_.AwaitWithTimeout(absl::Condition(this, &FakeFrontEndBus::IsAwake), timeout);
  WaitResult result;
  result.interrupt = std::exchange(interrupt_, false);
  result.woken = std::exchange(woken_, false);
  result.release_requested = release_;
  result.failed = !error_.ok();
  return result;
}

void FakeFrontEndBus::Wake() {
  absl::MutexLock lock(&mu_);
  woken_ = true;
}

bool FakeFrontEndBus::ReleaseRequested() const {
  absl::MutexLock lock(&mu_);
  return release_;
}

absl::Status FakeFrontEndBus::error() const {
  absl::MutexLock lock(&mu_);
  return error_;
}

void FakeFrontEndBus::RequestRelease() {
  absl::MutexLock lock(&mu_);
  release_ = true;
}

void FakeFrontEndBus::Fail(absl::Status error) {
  absl::MutexLock lock(&mu_);
  if (error_.ok()) error_ = std::move(error);
}

std::string FakeFrontEndBus::violations() const {
  absl::MutexLock lock(&mu_);
  return violations_;
}

}  // namespace sasd::pci_ioc
