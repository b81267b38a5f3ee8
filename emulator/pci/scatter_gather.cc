#include "emulator/pci/scatter_gather.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"

namespace sasd::emulator::pci {
namespace {

// mpi2.h, MPI2_SGE_FLAGS_*: the top byte of FlagsLength.
constexpr uint8_t kMpiTypeMask = 0x30, kMpiSimple = 0x10, kMpiChain = 0x30;
constexpr uint8_t kMpiToDevice = 0x04, kMpi64 = 0x02, kMpiEnd = 0x01;
// MPI2_IEEE_SGE_FLAGS_*.
constexpr uint8_t kIeeeChain = 0x80, kIeeeEnd = 0x40;
constexpr size_t kIeeeElement = 16;

absl::Status Refuse(const std::string& why) {
  return absl::InvalidArgumentError("scatter-gather list: " + why);
}

struct SglElement {
  bool chain = false;
  bool last = false;
  DmaSegment data;  // a chain's: the elements
  size_t encoded_size = 0;
};

absl::StatusOr<SglElement> DecodeMpi(ByteSpan sgl) {
  if (sgl.size() < 8) return Refuse("it has no end");
  const uint32_t word = LoadLe32(sgl, 0);
  const auto flags = static_cast<uint8_t>(word >> 24);
  SglElement element;
  element.chain = (flags & kMpiTypeMask) == kMpiChain;
  if (!element.chain && (flags & kMpiTypeMask) != kMpiSimple) {
    return Refuse(absl::StrFormat("it has an element with flags 0x%02x", flags));
  }
  element.encoded_size = flags & kMpi64 ? 12 : 8;
  if (sgl.size() < element.encoded_size) return Refuse("it has no end");
  element.data.address = flags & kMpi64 ? LoadLe64(sgl, 4) : LoadLe32(sgl, 4);
  element.data.size = word & (element.chain ? 0xFFFF : 0xFFFFFF);
  element.data.to_device = flags & kMpiToDevice;
  element.last = !element.chain && (flags & kMpiEnd) != 0;
  return element;
}

absl::StatusOr<SglElement> DecodeIeee(ByteSpan sgl) {
  if (sgl.size() < kIeeeElement) return Refuse("it has no end");
  const uint8_t flags = Load8(sgl, 15);
  SglElement element;
  element.chain = flags & kIeeeChain;
  element.last = !element.chain && (flags & kIeeeEnd) != 0;
  element.encoded_size = kIeeeElement;
  element.data.address = LoadLe64(sgl, 0);
  element.data.size = LoadLe32(sgl, 8);
  return element;
}

}  // namespace

absl::StatusOr<std::vector<DmaSegment>> WalkSgl(SglFormat format, ByteSpan sgl, DmaMemory& memory) {
  constexpr uint32_t kMaxChainBytes = 0x10000;
  std::vector<DmaSegment> segments;
  uint64_t total = 0;
  Bytes chain;  // holds the elements of `sgl` after the first chain
  for (size_t count = 0; count < kMaxSglElements; ++count) {
    const absl::StatusOr<SglElement> element =
        format == SglFormat::kMpi ? DecodeMpi(sgl) : DecodeIeee(sgl);
    if (!element.ok()) return element.status();
    const DmaSegment& data = element->data;
    if (element->chain) {
      Bytes next(std::min(data.size, kMaxChainBytes));
      if (!memory.Read(data.address, absl::MakeSpan(next))) {
        return Refuse(absl::StrFormat("its chain at 0x%x is outside of the memory", data.address));
      }
      chain = std::move(next);
      sgl = chain;
      continue;
    }
    if (data.size != 0) {
      total += data.size;
      if (total > kMaxSglBytes) return Refuse("it has more data than a request may have");
      if (!memory.Contains(data.address, data.size)) {
        return Refuse(absl::StrFormat("its %u bytes at 0x%x are outside of the memory", data.size,
                                      data.address));
      }
      segments.push_back(data);
    }
    if (element->last) return segments;
    sgl.remove_prefix(element->encoded_size);
  }
  return Refuse("it has too many elements");
}

bool Gather(DmaMemory& memory, absl::Span<const DmaSegment> segments, MutableByteSpan out) {
  for (const DmaSegment& segment : segments) {
    const size_t size = std::min<size_t>(segment.size, out.size());
    if (!memory.Read(segment.address, out.subspan(0, size))) return false;
    out.remove_prefix(size);
  }
  return true;
}

bool Scatter(DmaMemory& memory, absl::Span<const DmaSegment> segments, ByteSpan bytes) {
  for (const DmaSegment& segment : segments) {
    const size_t size = std::min<size_t>(segment.size, bytes.size());
    if (!memory.Write(segment.address, bytes.subspan(0, size))) return false;
    bytes.remove_prefix(size);
  }
  return true;
}

uint64_t TotalSize(absl::Span<const DmaSegment> segments) {
  uint64_t total = 0;
  for (const DmaSegment& segment : segments) total += segment.size;
  return total;
}

}  // namespace sasd::emulator::pci
