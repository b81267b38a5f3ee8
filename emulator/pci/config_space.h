#ifndef EMULATOR_PCI_CONFIG_SPACE_H_
#define EMULATOR_PCI_CONFIG_SPACE_H_

#include <array>
#include <cstdint>

#include "emulator/pci/pci_identity.h"

namespace sasd::emulator::pci {

constexpr uint32_t kIoBarSize = 0x100, kMemoryBarSize = 0x10000;
constexpr uint32_t kMsixTableOffset = 0xE000, kMsixPendingOffset = 0xF000;  // in the memory BAR

// The PCI configuration space of the function (PCI Local Bus 3.0, 6.1 to 6.8; PCI Express 3.0,
// 7.8 and 7.10; PCI Power Management 1.2, 3.2): type 0 header, an I/O BAR and a 32-bit memory BAR,
// power management, PCI Express, MSI-X unless it is left out, and advanced error reporting. The
// capabilities have the places and the flags of `lspci -vvv` of a SAS3008. QEMU 7.2's proxy device
// has 256 bytes: a guest does not reach error reporting, which is at 0x100.
//
// Thread-compatible.
class ConfigSpace {
 public:
  ConfigSpace(const PciIdentity& identity, bool with_msix);

  // `size` is 1, 2 or 4. Reads beyond the space, or that are not aligned, return all bits set. Such
  // writes, and writes to read-only bits, do nothing.
  uint32_t Read(uint32_t address, uint32_t size) const;
  // True: the write asks for a function level reset, which the caller carries out.
  bool Write(uint32_t address, uint32_t value, uint32_t size);

  // The state after power-on, with BARs, command, power state and MSI-X control.
  void Reset();

  uint32_t io_base() const { return Get(0x10, 4) & ~0x3u; }
  uint32_t memory_base() const { return Get(0x14, 4) & ~0xFu; }
  // In a power state other than D0 the function answers configuration requests only, and sends
  // nothing. It keeps its state (No_Soft_Reset).
  bool io_enabled() const { return IsAwake() && (Get(0x04, 2) & 0x1); }
  bool memory_enabled() const { return IsAwake() && (Get(0x04, 2) & 0x2); }
  // The function may read and write memory, and send messages that interrupt.
  bool bus_master() const { return IsAwake() && (Get(0x04, 2) & 0x4); }
  bool intx_disabled() const { return Get(0x04, 2) & 0x400; }
  bool msix_enabled() const { return with_msix_ && (MsixControl() & 0x8000); }
  bool msix_masked() const { return MsixControl() & 0x4000; }

  // The status register's interrupt bit: the level of INTx, whether INTx is disabled or not.
  void SetInterruptStatus(bool level);

 private:
  uint32_t Get(uint32_t address, uint32_t size) const;
  void Put(uint32_t address, uint32_t value, uint32_t size);
  void AllowWrites(uint32_t address, uint32_t mask, uint32_t size);
  void PutPowerManagement(uint32_t next);
  void PutExpress(const PciIdentity& identity, uint32_t next);
  void PutMsix(const PciIdentity& identity);
  void PutErrorReporting();
  bool IsAwake() const;
  uint32_t MsixControl() const;

  static constexpr size_t kSize = 4096;

  const bool with_msix_;
  const bool function_level_reset_;
  std::array<uint8_t, kSize> bytes_ = {};
  std::array<uint8_t, kSize> initial_ = {};
  std::array<uint8_t, kSize> writable_ = {};
};

}  // namespace sasd::emulator::pci

#endif  // EMULATOR_PCI_CONFIG_SPACE_H_
