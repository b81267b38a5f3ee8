#ifndef DRIVER_TRANSPORT_PCI_IOC_IOC_RESET_H_
#define DRIVER_TRANSPORT_PCI_IOC_IOC_RESET_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "driver/transport/pci_ioc/pacer.h"
#include "driver/transport/pci_ioc/pci_bus.h"
#include "driver/wire/mpi/messages.h"

namespace sasd::pci_ioc {

// Which reset brought an IOC to READY.
enum class ResetKind : uint8_t { kNone, kMessageUnit, kDiagnostic };

enum class ResetWish : uint8_t {
  kGentle,      // as little as it needs
  kDiagnostic,  // a diagnostic reset, unless it is READY already
};

// Brings an IOC to READY from any state that another driver, a dead process or a fault has left it
// in (mpt3sas_base.c, mpt3sas_base_make_ioc_ready, _base_diag_reset):
//
//   RESET ------------------------------------- within 10 s -------------> READY
//   OPERATIONAL -- message unit reset (if the firmware can replay events) -> READY
//   COREDUMP -- until it ends, 15 s at most --.
//   FAULT, doorbell in use, a failed attempt --+-- diagnostic reset -------> READY
//
// Needs registers alone: no DMA memory, no interrupts, no bus master. Masks the IOC's interrupts.
// Waits: 300 s in the worst case. Errors: kUnavailable: all ones, so the function is gone or its
// memory is not decoded; kDeadlineExceeded: the IOC does not leave a state; kInternal: the
// diagnostic register refuses; those of the pacer.
absl::StatusOr<ResetKind> MakeReady(PciBus& bus, Pacer& pacer, ResetWish wish);

// IOC FACTS through the doorbell; works in READY and OPERATIONAL. Errors: those of Handshake(), and
// kInternal for an IOCStatus or a frame that is no reply.
absl::StatusOr<mpi::IocFactsReply> ReadIocFacts(PciBus& bus, Pacer& pacer);

}  // namespace sasd::pci_ioc

#endif  // DRIVER_TRANSPORT_PCI_IOC_IOC_RESET_H_
