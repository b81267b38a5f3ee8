#ifndef EMULATOR_PCI_GUEST_MEMORY_H_
#define EMULATOR_PCI_GUEST_MEMORY_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "driver/base/endian.h"
#include "driver/base/unique_fd.h"
#include "emulator/pci/dma_memory.h"
#include "emulator/pci/link_codec.h"

namespace sasd::emulator::pci {

// The guest's memory as QEMU shares it. Addresses are the guest's physical ones. Each access is
// checked: a range wholly or partly outside of the shared regions is neither read nor written.
// Thread-compatible.
class GuestMemory : public DmaMemory {
 public:
  GuestMemory() = default;
  ~GuestMemory() override;
  GuestMemory(const GuestMemory&) = delete;
  GuestMemory& operator=(const GuestMemory&) = delete;

  // Replaces the map; files[i] belongs to regions[i]. Errors leave the map unchanged:
  // kInvalidArgument for regions that overlap, wrap around, are empty, or end beyond their file;
  // kResourceExhausted for a region that cannot be mapped.
  absl::Status Map(const std::vector<MemoryRegion>& regions, std::vector<UniqueFd> files);

  // DmaMemory
  bool Read(uint64_t address, MutableByteSpan out) override;
  bool Write(uint64_t address, ByteSpan bytes) override;
  bool Contains(uint64_t address, uint64_t size) override;
  bool StoreAtomic64(uint64_t address, uint64_t value) override;

 private:
  struct Mapping {
    MemoryRegion region;
    uint64_t device = 0, inode = 0;  // of the file
    uint8_t* bytes = nullptr;
  };

  static void Unmap(std::vector<Mapping>& mappings);
  bool IsMapped(const std::vector<Mapping>& mappings) const;
  // Calls f(host address, offset in the range, size) for each piece; the range was checked.
  template <typename F>
  void ForEachPiece(uint64_t address, uint64_t size, F f) const;

  std::vector<Mapping> mappings_;  // by address
};

}  // namespace sasd::emulator::pci

#endif  // EMULATOR_PCI_GUEST_MEMORY_H_
