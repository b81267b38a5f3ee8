#include "emulator/pci/vtd_iommu.h"

namespace sasd::emulator::pci {
namespace {

constexpr uint64_t kPage = 4096, kFrameMask = 0x000FFFFFFFFFF000;
constexpr uint64_t kEntrySize = 16;  // of root and context tables
constexpr uint64_t kPresent = 0x1;
// RTADDR_REG: the mode; 0 is legacy.
constexpr uint64_t kTableMode = 0xC00;
// Context entries: what they do, and the levels of their tables.
constexpr uint64_t kTypeMask = 0xC, kUntranslatedOnly = 0x0, kWithDeviceTlb = 0x4, kPass = 0x8;
constexpr uint64_t kWidthMask = 0x7;
// Second-level entries.
constexpr uint64_t kReadable = 0x1, kWritable = 0x2, kLargePage = 0x80;
constexpr int kBitsPerLevel = 9, kPageBits = 12, kHighestLargePage = 3;
// Writes to this range are interrupts (VT-d 3.0, 3.14): no memory of the guest.
constexpr uint64_t kInterrupts = 0xFEE00000, kInterruptsEnd = 0xFEF00000;

std::optional<uint64_t> Load(GuestMemory& memory, uint64_t address) {
  uint8_t bytes[8];
  if (!memory.Read(address, absl::MakeSpan(bytes))) return std::nullopt;
  return LoadLe64(bytes, 0);
}

struct Context {
  uint64_t low = 0, high = 0;
};

std::optional<Context> FindContext(GuestMemory& memory, uint64_t root_table, uint8_t bus,
                                   uint8_t function) {
  const auto root = Load(memory, (root_table & kFrameMask) + bus * kEntrySize);
  if (!root.has_value() || (*root & kPresent) == 0) return std::nullopt;
  const uint64_t at = (*root & kFrameMask) + function * kEntrySize;
  const auto low = Load(memory, at), high = Load(memory, at + 8);
  if (!low.has_value() || !high.has_value() || (*low & kPresent) == 0) return std::nullopt;
  return Context{*low, *high};
}

// Walks `levels` tables, the last of which has level 1.
std::optional<PhysicalRange> Walk(GuestMemory& memory, uint64_t table, int levels, uint64_t address,
                                  bool write) {
  const int width = kPageBits + levels * kBitsPerLevel;
  if (address >> width != 0) return std::nullopt;
  const uint64_t needed = write ? kWritable : kReadable;
  for (int level = levels; level >= 1; --level) {
    const int shift = kPageBits + (level - 1) * kBitsPerLevel;
    const uint64_t index = address >> shift & ((1u << kBitsPerLevel) - 1);
    const auto entry = Load(memory, table + index * sizeof(uint64_t));
    if (!entry.has_value() || (*entry & needed) == 0) return std::nullopt;
    const bool large = level > 1 && (*entry & kLargePage) != 0;
    if (large && level > kHighestLargePage) return std::nullopt;
    if (level > 1 && !large) {
      table = *entry & kFrameMask;
      continue;
    }
    const uint64_t size = uint64_t{1} << shift;
    const uint64_t offset = address & (size - 1);
    const uint64_t frame = *entry & kFrameMask & ~(size - 1);
    return PhysicalRange{frame + offset, size - offset};
  }
  return std::nullopt;
}

}  // namespace

std::optional<PhysicalRange> VtdIommu::Translate(GuestMemory& memory, uint64_t address,
                                                 bool write) {
  const PhysicalRange same{address, kPage - address % kPage};
  const std::optional<VtdState> state = registers_.Read();
  if (!state.has_value()) return std::nullopt;
  if (!state->translates) return same;
  if (address >= kInterrupts && address < kInterruptsEnd) return std::nullopt;
  if ((state->root_table & kTableMode) != 0) return std::nullopt;
  const auto context = FindContext(memory, state->root_table, bus_, function_);
  if (!context.has_value()) return std::nullopt;
  switch (context->low & kTypeMask) {
    case kPass:
      return same;
    case kUntranslatedOnly:
    case kWithDeviceTlb:
      break;
    default:
      return std::nullopt;
  }
  // 1: three levels (39 bits), 2: four (48), 3: five (57).
  const auto width = static_cast<int>(context->high & kWidthMask);
  if (width < 1 || width > 3) return std::nullopt;
  return Walk(memory, context->low & kFrameMask, width + 2, address, write);
}

}  // namespace sasd::emulator::pci
