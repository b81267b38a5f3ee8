#ifndef DRIVER_TRANSPORT_PCI_IOC_UIO_UIO_BUS_H_
#define DRIVER_TRANSPORT_PCI_IOC_UIO_UIO_BUS_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "driver/transport/pci_ioc/pci_bus.h"
#include "driver/transport/pci_ioc/system/mapped_registers.h"
#include "driver/transport/pci_ioc/system/system_calls.h"

namespace sasd::pci_ioc {

// A function that is bound to uio_pci_generic, for machines without an IOMMU, and for tests
// (Documentation/driver-api/uio-howto.rst). The arena is a huge page, whose physical address
// /proc/self/pagemap shows to root. Nothing keeps the function's DMA to the arena: a wrong address
// is anybody's memory. Interrupts: INTx alone.
//
// uio knows no owner: it opens twice, the close of any open file turns bus master off, and its
// unbinding succeeds below a running user. So this object holds a lock of its own on the function's
// file `config`, which sasd's other processes respect, and looks at the driver's link at each
// Wait(). A function that lost its driver counts as removed: from then on nothing here reaches it.
//
// Borrows the calls. Thread-safe as PciBus says.
class UioBus : public PciBus {
 public:
  // Errors say what to do: kInvalidArgument: no PCI address; kNotFound: no such function, or it
  // does not answer; kFailedPrecondition: it is not bound to uio_pci_generic, or an IOMMU
  // translates its addresses; kUnavailable: another process has its lock; kPermissionDenied: not
  // root, or the kernel is locked down; kUnimplemented: it has no memory BAR.
  static absl::StatusOr<std::unique_ptr<UioBus>> Open(SystemCalls& calls,
                                                      absl::string_view address);
  ~UioBus() override;

  const PciFunction& function() const override { return function_; }
  uint32_t ReadConfig(uint32_t offset, uint32_t size) override;
  void WriteConfig(uint32_t offset, uint32_t value, uint32_t size) override;
  uint32_t Read32(uint32_t offset) override;
  void Write32(uint32_t offset, uint32_t value) override;
  void Write64(uint32_t offset, uint64_t value) override;
  absl::StatusOr<DmaArena> AllocateArena(size_t size) override;
  absl::StatusOr<size_t> EnableInterrupts(InterruptMode mode, size_t vectors) override;
  void DisableInterrupts() override;
  void RearmInterrupt() override;
  WaitResult Wait(absl::Duration timeout) override;
  void Wake() override;
  // Unbinding does not ask: it shows as error() instead.
  bool ReleaseRequested() const override { return false; }
  absl::Status error() const override;

 private:
  UioBus(SystemCalls& calls, absl::string_view address) : calls_(calls), address_(address) {}

  // The steps of Open(), in order.
  absl::Status LockFunction();
  absl::Status CheckNoTranslation();
  absl::Status OpenConfig();
  absl::Status MapRegisters();
  absl::Status OpenNode();

  void SetIntxDisabled(bool disabled);
  bool LookAtDriver();
  // The physical address of the memory, if it is one piece.
  absl::StatusOr<uint64_t> PhysicalAddressOf(MutableByteSpan memory);

  SystemCalls& calls_;
  const std::string address_;
  PciFunction function_;
  SystemFile config_, node_, wake_;
  MutableByteSpan bar_;
  std::optional<MappedRegisters> registers_;
  DmaArena arena_;
  bool intx_ = false;
  std::atomic<bool> lost_{false};  // its driver is gone: it may be another's by now
};

}  // namespace sasd::pci_ioc

#endif  // DRIVER_TRANSPORT_PCI_IOC_UIO_UIO_BUS_H_
