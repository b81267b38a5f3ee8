#ifndef EMULATOR_PCI_DMA_MEMORY_H_
#define EMULATOR_PCI_DMA_MEMORY_H_

#include <cstdint>

#include "driver/base/endian.h"

namespace sasd::emulator::pci {

// Memory as a PCI function reaches it (DMA). Addresses are those that the function puts on the bus.
// An access that fails has no effect.
class DmaMemory {
 public:
  virtual ~DmaMemory() = default;

  // False unless the function can reach the whole range.
  virtual bool Read(uint64_t address, MutableByteSpan out) = 0;
  virtual bool Write(uint64_t address, ByteSpan bytes) = 0;
  // Whether the whole range can be read, or be written.
  virtual bool Contains(uint64_t address, uint64_t size) = 0;

  // Stores 8 bytes with one store: a processor of the guest sees all of it, and sees earlier writes
  // before it. False also if the address is not a multiple of 8.
  virtual bool StoreAtomic64(uint64_t address, uint64_t value) = 0;
};

}  // namespace sasd::emulator::pci

#endif  // EMULATOR_PCI_DMA_MEMORY_H_
