#ifndef EMULATOR_PCI_IOMMU_H_
#define EMULATOR_PCI_IOMMU_H_

#include <cstdint>
#include <optional>

#include "emulator/pci/guest_memory.h"

namespace sasd::emulator::pci {

// A range of the guest's physical memory.
struct PhysicalRange {
  uint64_t address = 0;
  uint64_t size = 0;
};

// What stands between one function's DMA and the guest's memory. Thread-safe; callers may hold
// locks.
class Iommu {
 public:
  virtual ~Iommu() = default;

  // Where an access to `address` leads, and how many bytes from there on belong to the same page.
  // nullopt: the access is blocked. It may wait for the machine. Keeps nothing: each call sees the
  // guest's tables as they are.
  virtual std::optional<PhysicalRange> Translate(GuestMemory& memory, uint64_t address,
                                                 bool write) = 0;

  // While true, no call waits for the machine, and translations fail: the machine is in its reset
  // and answers nothing.
  virtual void SetMachineReset(bool in_progress) = 0;
};

}  // namespace sasd::emulator::pci

#endif  // EMULATOR_PCI_IOMMU_H_
