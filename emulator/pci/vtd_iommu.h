#ifndef EMULATOR_PCI_VTD_IOMMU_H_
#define EMULATOR_PCI_VTD_IOMMU_H_

#include <cstdint>
#include <optional>

#include "emulator/pci/guest_memory.h"
#include "emulator/pci/iommu.h"

namespace sasd::emulator::pci {

// Two registers of a remapping unit.
struct VtdState {
  bool translates = false;  // GSTS_REG.TES
  uint64_t root_table = 0;  // RTADDR_REG
};

class VtdRegisters {
 public:
  virtual ~VtdRegisters() = default;
  // The registers now; nullopt: the machine does not answer.
  virtual std::optional<VtdState> Read() = 0;
  // As Iommu::SetMachineReset().
  virtual void SetMachineReset(bool in_progress) = 0;
};

// Intel's remapping of DMA as QEMU's intel-iommu device has it (VT-d 3.0, 3.4 and 3.7; legacy mode,
// second-level translation, pages of 4 KiB, 2 MiB and 1 GiB): root table, context table, three to
// five levels of page tables, all in the guest's memory. What the tables say is never trusted: each
// address is checked, and the depth is bounded, so that a table that points to itself ends.
// Scalable mode is not understood: it blocks.
//
// Borrows the registers. Thread-safe as they are.
class VtdIommu : public Iommu {
 public:
  // `function`: device number << 3 | function number.
  VtdIommu(VtdRegisters& registers, uint8_t bus, uint8_t function)
      : registers_(registers), bus_(bus), function_(function) {}

  std::optional<PhysicalRange> Translate(GuestMemory& memory, uint64_t address,
                                         bool write) override;
  void SetMachineReset(bool in_progress) override { registers_.SetMachineReset(in_progress); }

 private:
  VtdRegisters& registers_;
  const uint8_t bus_, function_;
};

}  // namespace sasd::emulator::pci

#endif  // EMULATOR_PCI_VTD_IOMMU_H_
