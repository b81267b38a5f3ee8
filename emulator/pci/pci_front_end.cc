// The registers of the system interface.
#include "emulator/pci/pci_front_end.h"

#include <optional>
#include <utility>

namespace sasd::emulator::pci {
namespace {

// mpi2.h, MPI2_SYSTEM_INTERFACE_REGS.
constexpr uint32_t kDoorbell = 0x00, kWriteSequence = 0x04, kHostDiagnostic = 0x08;
constexpr uint32_t kInterruptStatus = 0x30, kInterruptMask = 0x34;
constexpr uint32_t kReplyFreeHostIndex = 0x48, kReplyPostHostIndex = 0x6C;
constexpr uint32_t kRequestPostLow = 0xC0, kAtomicRequestPost = 0xC8;
constexpr uint32_t kSupplementalPostHostIndex = 0x30C, kSupplementalStride = 0x10;

constexpr uint32_t kReplyInterrupt = 0x8, kDoorbellInterrupt = 0x1;  // in status and mask
constexpr uint32_t kResetInterruptMask = 0x40000000;
constexpr uint32_t kAllMasked = kResetInterruptMask | kReplyInterrupt | kDoorbellInterrupt;
constexpr uint32_t kIndexMask = 0x00FFFFFF;
constexpr size_t kQueuesOfARegister = 8;

}  // namespace

PciFrontEnd::PciFrontEnd(VirtualHba& hba, Clock& clock, const Options& options,
                         Interrupts& interrupts)
    : hba_(hba),
      clock_(clock),
      options_(options),
      interrupts_(interrupts),
      config_(options.identity, options.msix),
      dma_(memory_, config_, options.iommu, options.on_dma_fault),
      interrupt_mask_(kAllMasked) {
  hba_.Connect(*this);
}

absl::Status PciFrontEnd::MapMemory(const std::vector<MemoryRegion>& regions,
                                    std::vector<UniqueFd> files) {
  absl::MutexLock lock(&mu_);
  return memory_.Map(regions, std::move(files));
}

uint32_t PciFrontEnd::ReadConfig(const ConfigAccess& access) {
  absl::MutexLock lock(&mu_);
  return config_.Read(access.address, access.size);
}

void PciFrontEnd::WriteConfig(const ConfigAccess& access) {
  {
    absl::MutexLock lock(&mu_);
    if (!config_.Write(access.address, access.value, access.size)) {
      UpdateLine();
      InterruptPendingQueues();
      return;
    }
  }
  ResetFunction();
}

DmaCounts PciFrontEnd::dma_counts() {
  absl::MutexLock lock(&mu_);
  return dma_.counts();
}

bool PciFrontEnd::OffsetInBar(const BarAccess& access, uint32_t& offset) const {
  const uint64_t base = access.memory ? config_.memory_base() : config_.io_base();
  const uint64_t size = access.memory ? kMemoryBarSize : kIoBarSize;
  const bool enabled = access.memory ? config_.memory_enabled() : config_.io_enabled();
  if (!enabled || access.address < base || access.address - base > size - access.size) return false;
  offset = static_cast<uint32_t>(access.address - base);
  return true;
}

uint64_t PciFrontEnd::ReadBar(const BarAccess& access) {
  absl::MutexLock lock(&mu_);
  uint32_t offset = 0;
  if (!OffsetInBar(access, offset)) return ~uint64_t{0};
  const uint32_t shift = 8 * (offset % 4);
  uint64_t value = ReadRegister(offset & ~3u) >> shift;
  if (offset % 4 + access.size > 4) {
    value |= uint64_t{ReadRegister((offset & ~3u) + 4)} << (32 - shift);
  }
  return access.size == 8 ? value : value & ((uint64_t{1} << 8 * access.size) - 1);
}

// Registers are written as dwords. Writes of other sizes are ignored.
void PciFrontEnd::WriteBar(const BarAccess& access) {
  uint32_t offset = 0;
  bool lowered = false;
  {
    absl::MutexLock lock(&mu_);
    if (!OffsetInBar(access, offset) || access.size < 4 || offset % 4 != 0) return;
    lowered = line_;
  }
  WriteRegister(offset, static_cast<uint32_t>(access.value));
  if (access.size == 8) WriteRegister(offset + 4, static_cast<uint32_t>(access.value >> 32));
  {
    absl::MutexLock lock(&mu_);
    lowered = lowered && !line_;
  }
  // Waits for the line: else the guest re-enters its interrupt handler before the line is low.
  if (lowered) interrupts_.AwaitLine();
}

mpi::IocState PciFrontEnd::StateLocked() const {
  if (state_ != mpi::IocState::kFault || !coredump_) return state_;
  return clock_.Monotonic() < fault_time_ + kCoredumpTime ? mpi::IocState::kCoredump : state_;
}

uint32_t PciFrontEnd::ReadRegister(uint32_t offset) const {
  if (offset >= kMsixTableOffset && options_.msix) {
    if (offset - kMsixTableOffset < MsixTable::kSize) return msix_.Read(offset - kMsixTableOffset);
    return offset == kMsixPendingOffset ? msix_.pending_bits() : 0;
  }
  switch (offset) {
    case kDoorbell:
      return doorbell_.Read(StateLocked(), fault_code_);
    case kHostDiagnostic:
      return diagnostic_.Read();
    case kInterruptStatus: {
      uint32_t status = doorbell_.interrupt() ? kDoorbellInterrupt : 0;
      for (size_t queue = 0; queue < queues_.queue_count(); ++queue) {
        if (queues_.Pending(queue)) status |= kReplyInterrupt;
      }
      return status;
    }
    case kInterruptMask:
      return interrupt_mask_;
    case kReplyFreeHostIndex:
      return queues_.free_host_index();
    default:
      return 0;
  }
}

void PciFrontEnd::WriteRegister(uint32_t offset, uint32_t value) {
  switch (offset) {
    case kDoorbell:
      return WriteDoorbell(value);
    case kHostDiagnostic:
      return WriteDiagnostic(value);
    case kAtomicRequestPost:
      if (!options_.identity.atomic_requests) return;
      [[fallthrough]];
    case kRequestPostLow:
      return HandlePosted({static_cast<uint8_t>(value), static_cast<uint8_t>(value >> 8),
                           static_cast<uint16_t>(value >> 16)});
    default: {
      absl::MutexLock lock(&mu_);
      return WriteSimpleRegister(offset, value);
    }
  }
}

void PciFrontEnd::WriteSimpleRegister(uint32_t offset, uint32_t value) {
  if (offset >= kMsixTableOffset) return WriteMsixTable(offset - kMsixTableOffset, value);
  switch (offset) {
    case kWriteSequence:
      diagnostic_.WriteKey(value);
      return;
    case kInterruptStatus:
      doorbell_.Acknowledge();
      UpdateLine();
      return;
    case kInterruptMask:
      interrupt_mask_ = value;
      UpdateLine();
      InterruptPendingQueues();
      return;
    case kReplyFreeHostIndex:
      queues_.SetFreeHostIndex(value);
      Flush();
      return;
    case kReplyPostHostIndex:
      if (options_.identity.combined_reply_queues() && value >> 24 >= kQueuesOfARegister) return;
      OnPostHostIndex(value >> 24, value & kIndexMask);
      return;
    default:
      break;
  }
  if (offset < kSupplementalPostHostIndex) return;
  const uint32_t bank = (offset - kSupplementalPostHostIndex) / kSupplementalStride;
  if ((offset - kSupplementalPostHostIndex) % kSupplementalStride != 0) return;
  OnPostHostIndex(kQueuesOfARegister * bank + (value >> 24), value & kIndexMask);
}

// The host may have read the queue before the last descriptor came. An extra interrupt is harmless,
// a missing one is not.
void PciFrontEnd::OnPostHostIndex(size_t queue, uint32_t value) {
  queues_.SetPostHostIndex(queue, value);
  Flush();
  if (queues_.Pending(queue)) Interrupt(queue);
  UpdateLine();
}

void PciFrontEnd::WriteMsixTable(uint32_t offset, uint32_t value) {
  if (!options_.msix || offset >= MsixTable::kSize) return;
  msix_.Write(offset, value);
  InterruptPendingQueues();
}

void PciFrontEnd::WriteDoorbell(uint32_t value) {
  std::optional<Bytes> request;
  {
    absl::MutexLock lock(&mu_);
    const mpi::IocState state = StateLocked();
    if (state == mpi::IocState::kFault || state == mpi::IocState::kCoredump) return;
    if (doorbell_.idle() && DoorbellFunction(value) == mpi::Function::kMessageUnitReset) {
      request = mpi::EncodeBareRequest(mpi::Function::kMessageUnitReset);
    } else {
      request = doorbell_.Write(value);
      UpdateLine();
    }
  }
  if (request.has_value()) HandleDoorbellRequest(*std::move(request));
}

void PciFrontEnd::WriteDiagnostic(uint32_t value) {
  {
    absl::MutexLock lock(&mu_);
    if (!diagnostic_.Write(value)) return;
    diagnostic_ = HostDiagnostic();
    diagnostic_.OnReset();
    interrupt_mask_ = kAllMasked;
  }
  hba_.Reset();
}

void PciFrontEnd::ResetDevice() {
  // QEMU awaits the end of it, and answers nobody meanwhile.
  if (options_.iommu != nullptr) options_.iommu->SetMachineReset(true);
  ResetFunction();
  if (options_.iommu != nullptr) options_.iommu->SetMachineReset(false);
}

void PciFrontEnd::ResetFunction() {
  {
    absl::MutexLock lock(&mu_);
    config_.Reset();
    msix_.Reset();
    diagnostic_ = HostDiagnostic();
    interrupt_mask_ = kAllMasked;
  }
  hba_.Reset();
}

void PciFrontEnd::Interrupt(size_t queue) {
  if (!config_.msix_enabled()) return UpdateLine();
  if (queue >= options_.identity.msix_vectors) return;
  if (config_.msix_masked() || msix_.masked(queue) || (interrupt_mask_ & kReplyInterrupt) != 0 ||
      !config_.bus_master()) {
    msix_.SetPending(queue);
    return;
  }
  msix_.TakePending(queue);
  interrupts_.SendMessage(msix_.address(queue), msix_.data(queue));
}

void PciFrontEnd::InterruptPendingQueues() {
  if (!config_.msix_enabled()) return;
  for (size_t queue = 0; queue < options_.identity.msix_vectors; ++queue) {
    if (msix_.TakePending(queue)) Interrupt(queue);
  }
}

void PciFrontEnd::UpdateLine() {
  bool level = doorbell_.interrupt() && (interrupt_mask_ & kDoorbellInterrupt) == 0;
  if ((interrupt_mask_ & kReplyInterrupt) == 0) {
    for (size_t queue = 0; queue < queues_.queue_count(); ++queue) level |= queues_.Pending(queue);
  }
  config_.SetInterruptStatus(level);
  level = level && !config_.msix_enabled() && !config_.intx_disabled();
  if (level == line_) return;
  line_ = level;
  interrupts_.SetLine(level);
}

}  // namespace sasd::emulator::pci
