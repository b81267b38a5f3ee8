#include "driver/transport/pci_ioc/queue_registers.h"

#include "driver/transport/pci_ioc/system_interface.h"

namespace sasd::pci_ioc {
namespace {

using namespace system_interface;  // NOLINT: names of registers and bits

constexpr uint16_t kMpi25 = 0x0205, kMpi26 = 0x0206;
constexpr uint8_t kRevisionC0 = 0x02;  // of a SAS3 chip
constexpr uint8_t kVectorsOfOneRegister = 8, kVectorsOfOneRegisterGen35 = 16;
constexpr uint32_t kQueuesOfARegister = 8;

// mpi2_cnfg.h, MPI26_MFGPAGE_DEVID_*_3816, *_3916.
bool IsAero(uint16_t device) { return (device & 0xFFF8) == 0x00E0; }

// mpi2_cnfg.h, MPI26_MFGPAGE_DEVID_SAS34xx, SAS35xx, SAS3616.
bool IsGen35(uint16_t device) {
  return IsAero(device) || (device >= 0x00AA && device <= 0x00AF) || device == 0x00D1;
}

}  // namespace

QueueRegisters::QueueRegisters(const mpi::IocFactsReply& facts, const PciFunction& function) {
  atomic_ = (facts.capabilities & kCapabilityAtomicRequest) != 0 && IsAero(function.device_id);
  const bool may_combine = facts.message_version >= kMpi26 ||
                           (facts.message_version == kMpi25 && function.revision >= kRevisionC0);
  combined_ = may_combine &&
              facts.max_msix_vectors > (IsGen35(function.device_id) ? kVectorsOfOneRegisterGen35
                                                                    : kVectorsOfOneRegister);
}

void QueueRegisters::Post(PciBus& bus, RequestPath path, uint16_t smid, uint16_t handle,
                          size_t queue) const {
  uint8_t type = kRequestDefault;
  if (path == RequestPath::kScsiIo) type = kRequestScsiIo;
  if (path == RequestPath::kHighPriority) type = kRequestHighPriority;
  const uint32_t low = type | static_cast<uint32_t>(queue) << 8 | uint32_t{smid} << 16;
  if (atomic_) return bus.Write32(kAtomicRequestPost, low);
  bus.Write64(kRequestPost,
              low | (path == RequestPath::kScsiIo ? uint64_t{handle} << 48 : uint64_t{0}));
}

void QueueRegisters::WritePostIndex(PciBus& bus, size_t queue, uint32_t index) const {
  auto number = static_cast<uint32_t>(queue);
  uint32_t offset = kReplyPostHostIndex;
  if (combined_) {
    offset = kSupplementalPostHostIndex + kSupplementalStride * (number / kQueuesOfARegister);
    number %= kQueuesOfARegister;
  }
  bus.Write32(offset, number << kQueueShift | index);
}

void QueueRegisters::WriteFreeIndex(PciBus& bus, uint32_t index) {
  bus.Write32(kReplyFreeHostIndex, index);
}

}  // namespace sasd::pci_ioc
