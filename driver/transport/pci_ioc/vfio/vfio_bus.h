#ifndef DRIVER_TRANSPORT_PCI_IOC_VFIO_VFIO_BUS_H_
#define DRIVER_TRANSPORT_PCI_IOC_VFIO_VFIO_BUS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "driver/transport/pci_ioc/pci_bus.h"
#include "driver/transport/pci_ioc/system/mapped_registers.h"
#include "driver/transport/pci_ioc/system/system_calls.h"

namespace sasd::pci_ioc {

// Addresses that the IOMMU can map, both ends included.
struct IovaRange {
  uint64_t first = 0, last = 0;
};

// The lowest place for `size` bytes, aligned to 2 MiB, that lies in one of the ranges and ends
// below 4 GiB: from 1 GiB on if there is room, else from 2 MiB on; nullopt without room. Why there:
// a switch without ACS sends an address that is another function's BAR to that function, whatever
// the IOMMU maps, and BARs lie below the top of the 4 GiB; low numbers are memory's on a PC.
std::optional<uint64_t> ChooseIova(absl::Span<const IovaRange> usable, uint64_t size);

// A function that is bound to vfio-pci (include/uapi/linux/vfio.h;
// Documentation/driver-api/vfio.rst). The IOMMU keeps the function's DMA to the arena; no root is
// needed, only the right to open the group's node, and RLIMIT_MEMLOCK for the arena. Interrupts
// come by eventfds. The kernel's request for release and its report of an uncorrectable error do,
// too. When this process ends, in any way, the kernel turns bus master off and unmaps the
// arena.
//
// Borrows the calls. Thread-safe as PciBus says.
class VfioBus : public PciBus {
 public:
  // `address` as in sysfs: "0000:03:00.0". Errors say what to do: kInvalidArgument: no PCI address;
  // kNotFound: no such function, or it does not answer; kFailedPrecondition: it is not bound to
  // vfio-pci, has no IOMMU, shares its group with a function of a kernel driver, or the machine
  // cannot remap interrupts; kUnavailable: another process has the group; kPermissionDenied: this
  // user may not open it; kUnimplemented: it has no memory BAR that can be mapped; kInternal: a
  // call failed in another way.
  static absl::StatusOr<std::unique_ptr<VfioBus>> Open(SystemCalls& calls,
                                                       absl::string_view address);
  ~VfioBus() override;

  const PciFunction& function() const override { return function_; }
  uint32_t ReadConfig(uint32_t offset, uint32_t size) override;
  void WriteConfig(uint32_t offset, uint32_t value, uint32_t size) override;
  uint32_t Read32(uint32_t offset) override { return registers_->Read32(offset); }
  void Write32(uint32_t offset, uint32_t value) override { registers_->Write32(offset, value); }
  void Write64(uint32_t offset, uint64_t value) override { registers_->Write64(offset, value); }
  absl::StatusOr<DmaArena> AllocateArena(size_t size) override;
  absl::StatusOr<size_t> EnableInterrupts(InterruptMode mode, size_t vectors) override;
  void DisableInterrupts() override;
  void RearmInterrupt() override;
  WaitResult Wait(absl::Duration timeout) override;
  void Wake() override;
  bool ReleaseRequested() const override;
  absl::Status error() const override;

 private:
  VfioBus(SystemCalls& calls, absl::string_view address) : calls_(calls), address_(address) {}

  // The steps of Open(), in order.
  absl::Status OpenGroup();
  absl::Status CheckViable();
  absl::Status JoinContainer();
  absl::Status ReadUsableRanges();
  absl::Status OpenDevice();
  absl::Status MapRegisters();
  absl::Status ListenForNotices();

  // Gives the eventfd to `count` vectors of the interrupt `index`; the result of the ioctl.
  int SetTrigger(uint32_t index, const SystemFile& event, size_t count);
  uint32_t VectorsOf(uint32_t index);
  bool IsSet(const SystemFile& event) const;

  SystemCalls& calls_;
  const std::string address_;
  PciFunction function_;
  SystemFile container_, group_, device_;
  std::vector<IovaRange> usable_;
  uint64_t config_offset_ = 0;
  MutableByteSpan bar_;
  std::optional<MappedRegisters> registers_;
  DmaArena arena_;
  // Eventfds. The kernel never takes a notice back, and nobody reads them: they are levels.
  SystemFile interrupt_, wake_, release_, failure_;
  std::optional<uint32_t> enabled_;  // the interrupt's index
};

}  // namespace sasd::pci_ioc

#endif  // DRIVER_TRANSPORT_PCI_IOC_VFIO_VFIO_BUS_H_
