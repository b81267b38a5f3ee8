#include "driver/transport/pci_ioc/sgl_writer.h"

namespace sasd::pci_ioc {
namespace {

// mpi2.h, MPI2_SGE_FLAGS_*: the top byte of FlagsLength.
constexpr uint32_t kMpiSimple64 = 0x12, kMpiToDevice = 0x04, kMpiEndOfBuffer = 0x40;
constexpr uint32_t kMpiLast = 0x81;  // the last element, the end of the list
constexpr size_t kMpiSize = 12;
// MPI25_IEEE_SGE_FLAGS_END_OF_LIST.
constexpr uint8_t kIeeeLast = 0x40;
constexpr size_t kIeeeSize = 16, kIeeeFlags = 15;

void WriteElement(SglFormat format, uint64_t address, uint32_t size, bool to_device, bool last,
                  MutableByteSpan at) {
  if (format == SglFormat::kMpi) {
    const uint32_t flags =
        kMpiSimple64 | kMpiEndOfBuffer | (to_device ? kMpiToDevice : 0) | (last ? kMpiLast : 0);
    StoreLe32(at, 0, flags << 24 | size);
    StoreLe64(at, 4, address);
    return;
  }
  StoreLe64(at, 0, address);
  StoreLe32(at, 8, size);
  StoreLe32(at, 12, 0);
  Store8(at, kIeeeFlags, last ? kIeeeLast : 0);
}

}  // namespace

SglFormat SglFormatOf(mpi::Function function, bool ieee) {
  switch (function) {
    case mpi::Function::kConfig:
      return SglFormat::kMpi;
    case mpi::Function::kScsiIo:
    case mpi::Function::kSmpPassthrough:
      return ieee ? SglFormat::kIeee : SglFormat::kMpi;
    default:
      return SglFormat::kNone;
  }
}

size_t WriteSgl(SglFormat format, const DmaData& data, MutableByteSpan to) {
  if (format == SglFormat::kNone) return 0;
  const size_t size = format == SglFormat::kMpi ? kMpiSize : kIeeeSize;
  const bool both = data.out_size != 0 && data.in_size != 0;
  if (to.size() < (both ? 2 * size : size)) return 0;
  if (data.out_size != 0) {
    WriteElement(format, data.out_address, data.out_size, true, !both, to);
    if (!both) return size;
    to = to.subspan(size);
  }
  // Without data: an empty element.
  WriteElement(format, data.in_size == 0 ? 0 : data.in_address, data.in_size, false, true, to);
  return both ? 2 * size : size;
}

}  // namespace sasd::pci_ioc
