#ifndef EMULATOR_PCI_SCATTER_GATHER_H_
#define EMULATOR_PCI_SCATTER_GATHER_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "driver/base/endian.h"
#include "emulator/pci/dma_memory.h"

namespace sasd::emulator::pci {

// A piece of a request's data in the guest's memory.
struct DmaSegment {
  uint64_t address = 0;
  uint32_t size = 0;
  bool to_device = false;  // only MPI elements have a direction
};

// More than any host uses. A longer list, such as a loop, is refused.
constexpr size_t kMaxSglElements = 16384;
constexpr uint64_t kMaxSglBytes = uint64_t{64} << 20;

// Walks the scatter-gather list at the end of a request frame and follows its chains into the
// guest's memory. Leaves out empty elements. kInvalidArgument: a list without end, an element of an
// unknown kind, a chain or data outside of the guest's memory, or more than the limits above.
//
// MPI: simple and chain elements of 32 or 64 bits (mpi2.h, MPI2_SGE_SIMPLE_UNION,
// MPI2_SGE_CHAIN_UNION). IEEE: simple and chain elements of 64 bits (MPI2_IEEE_SGE_SIMPLE64,
// MPI25_IEEE_SGE_CHAIN64).
enum class SglFormat : uint8_t { kMpi, kIeee };
absl::StatusOr<std::vector<DmaSegment>> WalkSgl(SglFormat format, ByteSpan sgl, DmaMemory& memory);

// Copies in order between the segments and bytes, up to the smaller of the two sizes. False if a
// segment is no longer in the guest's memory.
bool Gather(DmaMemory& memory, absl::Span<const DmaSegment> segments, MutableByteSpan out);
bool Scatter(DmaMemory& memory, absl::Span<const DmaSegment> segments, ByteSpan bytes);

uint64_t TotalSize(absl::Span<const DmaSegment> segments);

}  // namespace sasd::emulator::pci

#endif  // EMULATOR_PCI_SCATTER_GATHER_H_
