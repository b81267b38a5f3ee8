#ifndef DRIVER_TRANSPORT_PCI_IOC_SYSTEM_MAPPED_REGISTERS_H_
#define DRIVER_TRANSPORT_PCI_IOC_SYSTEM_MAPPED_REGISTERS_H_

#include <cstdint>

#include "driver/base/endian.h"

namespace sasd::pci_ioc {

// Registers in a mapped BAR. The kernel takes the pages of such a mapping away while the function
// does not decode memory (a reset, D3, removal), and an access raises SIGBUS. Here it reads as all
// ones, and a write does nothing; once the pages are back, accesses reach them again.
//
// The first object installs a handler of SIGBUS for the whole process, for good. The handler looks
// only at accesses of these objects, and passes all other signals on to the handler before it.
//
// Borrows the memory. Thread-safe: each access is one load or store of its full width, ordered with
// all accesses to ordinary memory before and after it.
class MappedRegisters {
 public:
  explicit MappedRegisters(MutableByteSpan memory);

  // `offset` is a multiple of the access's size. Beyond the end: all ones, and nothing.
  uint32_t Read32(uint32_t offset) const;
  void Write32(uint32_t offset, uint32_t value);
  void Write64(uint32_t offset, uint64_t value);

 private:
  bool Holds(uint32_t offset, uint32_t size) const {
    return memory_.size() >= size && offset <= memory_.size() - size && offset % size == 0;
  }

  const MutableByteSpan memory_;
};

}  // namespace sasd::pci_ioc

#endif  // DRIVER_TRANSPORT_PCI_IOC_SYSTEM_MAPPED_REGISTERS_H_
