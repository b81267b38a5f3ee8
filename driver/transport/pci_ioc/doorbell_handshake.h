#ifndef DRIVER_TRANSPORT_PCI_IOC_DOORBELL_HANDSHAKE_H_
#define DRIVER_TRANSPORT_PCI_IOC_DOORBELL_HANDSHAKE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "driver/base/endian.h"
#include "driver/transport/pci_ioc/pacer.h"
#include "driver/transport/pci_ioc/pci_bus.h"
#include "driver/wire/mpi/constants.h"

namespace sasd::pci_ioc {

// The doorbell register, once read.
struct DoorbellValue {
  bool gone = false;  // all ones: no function answers; nothing else is valid
  mpi::IocState state = mpi::IocState::kReset;
  bool used = false;  // a handshake is in progress
  uint16_t code = 0;  // of a fault or core dump
};
// Reads it. Some IOCs (94xx on) now and then read as 0, which is also the state RESET: it asks
// again a few times then.
DoorbellValue ReadDoorbell(PciBus& bus);
// "fault, code 0x2622"; "no answer (all ones)"
std::string ToString(const DoorbellValue& value);

// Sends a request through the doorbell and returns the reply: the way that works without queues
// (mpt3sas_base.c, _base_handshake_req_reply_wait). `request` is a multiple of 4 bytes, 4 to 1020.
// The reply has as many bytes as it says itself, 4 to 1020. `timeout` is for the IOC's thinking;
// each dword has 5 s more. Errors: kFailedPrecondition: a handshake is in progress already;
// kUnavailable: all ones; kAborted: the IOC faults; kDeadlineExceeded; those of the pacer. After an
// error in the middle the doorbell is in use; only a diagnostic reset ends that.
absl::StatusOr<Bytes> Handshake(PciBus& bus, Pacer& pacer, ByteSpan request,
                                absl::Duration timeout);

// Writes a function without a message to the doorbell, such as MESSAGE UNIT RESET, and waits until
// the IOC has taken it. Errors: kUnavailable, kAborted, kDeadlineExceeded; those of the pacer.
absl::Status RingDoorbell(PciBus& bus, Pacer& pacer, mpi::Function function,
                          absl::Duration timeout);

}  // namespace sasd::pci_ioc

#endif  // DRIVER_TRANSPORT_PCI_IOC_DOORBELL_HANDSHAKE_H_
