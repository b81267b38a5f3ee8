#ifndef DRIVER_TRANSPORT_PCI_IOC_SYSTEM_INTERFACE_H_
#define DRIVER_TRANSPORT_PCI_IOC_SYSTEM_INTERFACE_H_

#include <cstdint>

// The numbers of the system interface (Linux 6.1, drivers/scsi/mpt3sas/mpi/mpi2.h,
// MPI2_SYSTEM_INTERFACE_REGS and the descriptors): byte offsets in the memory BAR, and bits.
namespace sasd::pci_ioc::system_interface {

constexpr uint32_t kDoorbell = 0x00, kWriteSequence = 0x04, kHostDiagnostic = 0x08;
constexpr uint32_t kInterruptStatus = 0x30, kInterruptMask = 0x34;
constexpr uint32_t kReplyFreeHostIndex = 0x48, kReplyPostHostIndex = 0x6C;
// From SAS3 on: a register for each eight reply queues.
constexpr uint32_t kSupplementalPostHostIndex = 0x30C, kSupplementalStride = 0x10;
constexpr uint32_t kRequestPost = 0xC0, kAtomicRequestPost = 0xC8;

// Doorbell. Bits 31:28 are the state, bits 15:0 data: a code while the IOC is faulted.
constexpr uint32_t kDoorbellUsed = 0x08000000, kDoorbellData = 0x0000FFFF;
constexpr uint32_t kDoorbellFunctionShift = 24, kHandshakeDwordsShift = 16;
constexpr uint32_t kAllOnes = 0xFFFFFFFF;  // no function answers

// Interrupt status. The first is set until the IOC has taken the doorbell's value.
constexpr uint32_t kDoorbellNotTaken = 0x80000000, kDoorbellInterrupt = 0x1;
// Interrupt mask. A set bit masks: resets, replies, doorbell.
constexpr uint32_t kMaskAll = 0x40000009, kMaskAllButReplies = 0x40000001;

// Host diagnostic.
constexpr uint32_t kDiagnosticWriteEnable = 0x80, kDiagnosticReset = 0x04, kDiagnosticHold = 0x02;
// Write sequence: a flush and the keys.
constexpr uint32_t kWriteKeys[] = {0x0, 0xF, 0x4, 0xB, 0x2, 0x7, 0xD};

// Reply post host index: the queue's number.
constexpr uint32_t kQueueShift = 24;

// Request descriptors, low byte.
constexpr uint8_t kRequestScsiIo = 0x00, kRequestHighPriority = 0x06, kRequestDefault = 0x08;
// Reply descriptors, low four bits.
constexpr uint8_t kReplyScsiSuccess = 0x0, kReplyAddress = 0x1, kReplyFastPathSuccess = 0x6;
constexpr uint8_t kReplyUnused = 0xF, kReplyTypeMask = 0xF;

// IOC facts, capabilities.
constexpr uint32_t kCapabilityEventReplay = 0x00002000;
constexpr uint32_t kCapabilityAtomicRequest = 0x00080000;
constexpr uint32_t kCapabilityCoredump = 0x00200000;
// IOC init, configuration flags.
constexpr uint16_t kInitCoredumpEnable = 0x0002;

}  // namespace sasd::pci_ioc::system_interface

#endif  // DRIVER_TRANSPORT_PCI_IOC_SYSTEM_INTERFACE_H_
