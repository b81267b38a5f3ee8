#ifndef EMULATOR_PCI_CONFIG_SPACE_H_
#define EMULATOR_PCI_CONFIG_SPACE_H_

#include <array>
#include <cstdint>

#include "emulator/pci/pci_identity.h"

namespace sasd::emulator::pci {

constexpr uint32_t kIoBarSize = 0x100, kMemoryBarSize = 0x10000;
constexpr uint32_t kMsixTableOffset = 0xE000, kMsixPendingOffset = 0xF000;  // in the memory BAR

// The PCI configuration space of the function (PCI Local Bus 3.0, 6.1 to 6.8): type 0 header, an
// I/O BAR and a 32-bit memory BAR, MSI-X unless it is left out. Thread-compatible.
class ConfigSpace {
 public:
  ConfigSpace(const PciIdentity& identity, bool with_msix);

  // `size` is 1, 2 or 4. Reads beyond the space return all bits set. Writes beyond it or to
  // read-only bits do nothing.
  uint32_t Read(uint32_t address, uint32_t size) const;
  void Write(uint32_t address, uint32_t value, uint32_t size);

  // The state after power-on, with BARs, command and MSI-X control.
  void Reset();

  uint32_t io_base() const { return Get(0x10, 4) & ~0x3u; }
  uint32_t memory_base() const { return Get(0x14, 4) & ~0xFu; }
  bool io_enabled() const { return Get(0x04, 2) & 0x1; }
  bool memory_enabled() const { return Get(0x04, 2) & 0x2; }
  bool intx_disabled() const { return Get(0x04, 2) & 0x400; }
  bool msix_enabled() const { return with_msix_ && (MsixControl() & 0x8000); }
  bool msix_masked() const { return MsixControl() & 0x4000; }

  // The status register's interrupt bit: the level of INTx, whether INTx is disabled or not.
  void SetInterruptStatus(bool level);

 private:
  uint32_t Get(uint32_t address, uint32_t size) const;
  void Put(uint32_t address, uint32_t value, uint32_t size);
  void AllowWrites(uint32_t address, uint32_t mask, uint32_t size);
  uint32_t MsixControl() const;

  const bool with_msix_;
  std::array<uint8_t, 256> bytes_ = {};
  std::array<uint8_t, 256> initial_ = {};
  std::array<uint8_t, 256> writable_ = {};
};

}  // namespace sasd::emulator::pci

#endif  // EMULATOR_PCI_CONFIG_SPACE_H_
