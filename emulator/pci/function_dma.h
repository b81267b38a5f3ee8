#ifndef EMULATOR_PCI_FUNCTION_DMA_H_
#define EMULATOR_PCI_FUNCTION_DMA_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "emulator/pci/config_space.h"
#include "emulator/pci/dma_memory.h"
#include "emulator/pci/guest_memory.h"
#include "emulator/pci/iommu.h"

namespace sasd::emulator::pci {

// An access of the function that reached no memory.
struct DmaFault {
  enum class Reason : uint8_t {
    kNotBusMaster,  // the command register's bit is clear, or the function is not in D0
    kNotMapped,     // the IOMMU blocks it, or no memory of the guest is there
  };
  Reason reason = Reason::kNotMapped;
  bool write = false;
  uint64_t address = 0;
  uint64_t size = 0;
};

// "read of 128 bytes at 0x7f000801a8: not mapped"
std::string Describe(const DmaFault& fault);

struct DmaCounts {
  uint64_t not_bus_master = 0;
  uint64_t not_mapped = 0;
};

// The guest's memory as one function reaches it: while it is a bus master, and through the IOMMU if
// there is one. An access that would reach memory in part fails as a whole. It counts and reports
// each access that fails. Borrows all. Thread-compatible.
class FunctionDma : public DmaMemory {
 public:
  // `iommu` may be null. `on_fault` may be empty; it is called within the access.
  FunctionDma(GuestMemory& memory, const ConfigSpace& config, Iommu* iommu,
              std::function<void(const DmaFault&)> on_fault);

  bool Read(uint64_t address, MutableByteSpan out) override;
  bool Write(uint64_t address, ByteSpan bytes) override;
  bool Contains(uint64_t address, uint64_t size) override;
  bool StoreAtomic64(uint64_t address, uint64_t value) override;

  const DmaCounts& counts() const { return counts_; }

 private:
  enum class Access : uint8_t { kRead, kWrite, kEither };

  // The physical ranges of an access, in order. False: it fails, and was counted.
  bool Resolve(uint64_t address, uint64_t size, Access access, std::vector<PhysicalRange>& ranges);
  std::optional<PhysicalRange> Translate(uint64_t address, Access access);
  bool Fail(const DmaFault& fault);

  GuestMemory& memory_;
  const ConfigSpace& config_;
  Iommu* const iommu_;
  const std::function<void(const DmaFault&)> on_fault_;
  DmaCounts counts_;
};

}  // namespace sasd::emulator::pci

#endif  // EMULATOR_PCI_FUNCTION_DMA_H_
