#ifndef DRIVER_TRANSPORT_PCI_IOC_PCI_BUS_H_
#define DRIVER_TRANSPORT_PCI_IOC_PCI_BUS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "driver/base/endian.h"

namespace sasd::pci_ioc {

// The command register of the configuration space (PCI Local Bus 3.0, 6.2.2).
constexpr uint32_t kPciCommand = 0x04;
constexpr uint32_t kPciCommandMemory = 0x0002, kPciCommandBusMaster = 0x0004;
constexpr uint32_t kPciCommandIntxDisable = 0x0400;

// What the function is; read once, when the bus was opened.
struct PciFunction {
  std::string address;  // "0000:03:00.0"
  uint16_t vendor_id = 0, device_id = 0;
  uint16_t subsystem_vendor_id = 0, subsystem_id = 0;
  uint8_t revision = 0;
};

// Memory that both sides access: the CPU through `bytes`, the function at `address`, the address
// that it uses for DMA (an IOVA, or the physical address without an IOMMU). Byte i of `bytes` is at
// address + i for all i: the arena is contiguous for the function. It is coherent: no access needs
// a flush.
struct DmaArena {
  MutableByteSpan bytes;
  uint64_t address = 0;
};

// The ways for a function to call for attention. kNone: it cannot, so its user polls.
enum class InterruptMode : uint8_t { kMsix, kIntx, kNone };

// Why Wait() returned; more than one may be set. None is set at the end of the timeout.
struct WaitResult {
  bool interrupt = false;          // at least one of any vector since the last Wait()
  bool woken = false;              // by Wake()
  bool release_requested = false;  // as PciBus::ReleaseRequested()
  bool failed = false;             // PciBus::error() is not OK
};

// One PCI function in the hands of this process: the seam between an IOC's driver and the way by
// which it reaches the hardware. Implementations: vfio, uio, and in tests the emulator's front end.
//
// An object that exists owns its function: no kernel driver is bound to it (except the one that
// lends it), memory decoding is on, bus master is off. It never turns bus master on; its user does,
// by WriteConfig(), and turns it off before it destroys the bus. The destructor turns bus master
// off once more, disables interrupts, and only then releases the arena.
//
// Threads: registers, Wake(), ReleaseRequested(), error() and function() may be used from any
// thread at any time. All else is for one thread at a time, and not within a Wait().
//
// A function that is gone (removed, in reset, powered down, memory decoding off) reads as all ones,
// in configuration space and registers, and ignores writes. No access crashes: an implementation
// whose mapping may raise SIGBUS handles it. All ones alone do not make error() fail: a reset makes
// them too, and passes.
class PciBus {
 public:
  // The arena that every implementation must be able to allocate: one huge page.
  static constexpr size_t kMaxArena = size_t{2} << 20;

  virtual ~PciBus() = default;

  virtual const PciFunction& function() const = 0;

  // Configuration space. `size` is 1, 2 or 4 bytes, `offset` a multiple of it and below 256; values
  // are in the CPU's byte order. Reads that fail return all ones (in `size` bytes); writes that
  // fail do nothing. May sleep: the kernel holds such accesses while it resets the function.
  virtual uint32_t ReadConfig(uint32_t offset, uint32_t size) = 0;
  virtual void WriteConfig(uint32_t offset, uint32_t value, uint32_t size) = 0;

  // Registers: the first *memory* BAR, of any number (BAR 1 for SAS2 and SAS3, BAR 0 for
  // 94xx). `offset` in bytes, a multiple of the access's size. Values are in the CPU's byte order;
  // the register is little-endian. Beyond the BAR, reads return all ones and writes do nothing.
  // Each is one access of its full width: a 64-bit write is never two 32-bit writes that another
  // thread's may part (where the machine has no 64-bit store to devices, a lock makes it so).
  // Order: stores to the arena before a write are visible to the function before that write, and
  // loads from the arena after a read happen after it.
  virtual uint32_t Read32(uint32_t offset) = 0;
  virtual void Write32(uint32_t offset, uint32_t value) = 0;
  virtual void Write64(uint32_t offset, uint64_t value) = 0;

  // Allocates the arena, once per bus: zeroed, aligned to 4 KiB on both sides, at least `size`
  // bytes, wholly within one 4 GiB window of addresses (the high halves of all its addresses are
  // equal). The bus owns it until its destruction. Errors: kInvalidArgument: 0 or more than
  // kMaxArena; kFailedPrecondition: allocated already; kResourceExhausted: no memory, or a limit
  // (RLIMIT_MEMLOCK, no huge page), with the remedy in the message; kPermissionDenied.
  virtual absl::StatusOr<DmaArena> AllocateArena(size_t size) = 0;

  // Interrupts. Enable*() disables what was enabled before, then enables up to `vectors` (1 at
  // least) and returns how many there are: 1 for kIntx, 0 for kNone. Vector i belongs to reply
  // queue i. Errors leave all disabled: kUnimplemented: the function or the path to it has no such
  // mode; kInternal: the system refused, with its reason. With kMsix the caller need not touch the
  // MSI-X table.
  virtual absl::StatusOr<size_t> EnableInterrupts(InterruptMode mode, size_t vectors) = 0;
  virtual void DisableInterrupts() = 0;
  // kIntx: the system masks the line when it fires. Unmasks it; call it after the cause was read
  // and acknowledged in the function. A line that is still high fires again. Does nothing in the
  // other modes.
  virtual void RearmInterrupt() = 0;

  // Waits until an interrupt, Wake(), a request for release, a failure, or the end of `timeout`
  // (real time; zero: only looks). Interrupts and wakes are remembered: what came before the call
  // ends it at once, and is then forgotten. Release and failure are levels: once set, every call
  // returns at once.
  virtual WaitResult Wait(absl::Duration timeout) = 0;
  // Ends the running Wait(), or else the next one.
  virtual void Wake() = 0;

  // The system wants the function back (its driver is being unbound, it is about to be removed).
  // Never cleared. The user must stop and destroy the bus soon: the system waits for it.
  virtual bool ReleaseRequested() const = 0;

  // OK while the function can be used. The first failure stays: kUnavailable: an uncorrectable PCI
  // error (AER), kNotFound: the function was removed, kInternal: the system's calls fail. After it
  // only destruction makes sense.
  virtual absl::Status error() const = 0;
};

}  // namespace sasd::pci_ioc

#endif  // DRIVER_TRANSPORT_PCI_IOC_PCI_BUS_H_
