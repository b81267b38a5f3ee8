#ifndef EMULATOR_PCI_DOORBELL_H_
#define EMULATOR_PCI_DOORBELL_H_

#include <cstdint>
#include <optional>

#include "driver/base/endian.h"
#include "driver/wire/mpi/constants.h"

namespace sasd::emulator::pci {

// The doorbell and the write sequence of the system interface (mpi2.h, MPI2_SYSTEM_INTERFACE_REGS;
// what the host expects: mpt3sas_base.c, _base_handshake_req_reply_wait and _base_diag_reset).
//
// A handshake: the host announces the number of a request's dwords; the IOC raises its interrupt;
// the host acknowledges it and writes the dwords. The reply goes out 16 bits at a time, with an
// interrupt and an acknowledgement for each. After the last one the doorbell is free again, and the
// IOC raises the interrupt once more.
//
//   kIdle --announce--> kRequest --last dword--> kBusy --Reply()--> kReply --last ack--> kIdle
//
// Thread-compatible.
class Doorbell {
 public:
  // The register as the host reads it. `code` is the code of a fault or core dump.
  uint32_t Read(mpi::IocState state, uint16_t code) const;

  // A write by the host. Returns the request (never empty) after its last dword.
  std::optional<Bytes> Write(uint32_t value);

  // Answers the request. Does nothing if no answer is awaited.
  void Reply(Bytes frame);

  // A write by the host to the interrupt status register.
  void Acknowledge();

  bool interrupt() const { return interrupt_; }
  bool idle() const { return phase_ == Phase::kIdle; }
  void Reset() { *this = Doorbell(); }

 private:
  enum class Phase : uint8_t { kIdle, kRequest, kBusy, kReply };

  Phase phase_ = Phase::kIdle;
  bool interrupt_ = false;
  size_t expected_ = 0;  // bytes of the request
  Bytes buffer_;         // the request, then the reply
  size_t position_ = 0;  // in the reply
};

// The function of a doorbell write: its top byte.
constexpr mpi::Function DoorbellFunction(uint32_t value) {
  return static_cast<mpi::Function>(value >> 24);
}

// The host diagnostic register behind its write sequence. Thread-compatible.
class HostDiagnostic {
 public:
  void WriteKey(uint32_t value);
  uint32_t Read() const;
  // True: the write resets the adapter.
  bool Write(uint32_t value);
  void OnReset() { reset_history_ = true; }

 private:
  size_t keys_ = 0;  // keys written in order
  bool writable_ = false;
  bool reset_history_ = false;
};

}  // namespace sasd::emulator::pci

#endif  // EMULATOR_PCI_DOORBELL_H_
