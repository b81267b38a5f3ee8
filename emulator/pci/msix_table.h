#ifndef EMULATOR_PCI_MSIX_TABLE_H_
#define EMULATOR_PCI_MSIX_TABLE_H_

#include <array>
#include <cstdint>

namespace sasd::emulator::pci {

constexpr size_t kMaxMsixVectors = 32;

// The MSI-X table and its pending bits (PCI Local Bus 3.0, 6.8.2). Thread-compatible.
class MsixTable {
 public:
  static constexpr uint32_t kEntrySize = 16, kSize = kMaxMsixVectors * kEntrySize;

  MsixTable() { Reset(); }
  void Reset();

  // Dwords of the table; `offset` < kSize.
  uint32_t Read(uint32_t offset) const { return dwords_[offset / 4]; }
  void Write(uint32_t offset, uint32_t value) { dwords_[offset / 4] = value; }

  uint64_t address(size_t vector) const {
    return dwords_[4 * vector] | uint64_t{dwords_[4 * vector + 1]} << 32;
  }
  uint32_t data(size_t vector) const { return dwords_[4 * vector + 2]; }
  bool masked(size_t vector) const { return dwords_[4 * vector + 3] & 1; }

  uint32_t pending_bits() const { return pending_; }
  void SetPending(size_t vector) { pending_ |= 1u << vector; }
  bool TakePending(size_t vector) {
    const bool was = pending_ >> vector & 1;
    pending_ &= ~(1u << vector);
    return was;
  }

 private:
  std::array<uint32_t, kSize / 4> dwords_;
  uint32_t pending_ = 0;
};

inline void MsixTable::Reset() {
  dwords_ = {};
  for (size_t vector = 0; vector < kMaxMsixVectors; ++vector) dwords_[4 * vector + 3] = 1;
  pending_ = 0;
}

}  // namespace sasd::emulator::pci

#endif  // EMULATOR_PCI_MSIX_TABLE_H_
