#include "emulator/pci/config_space.h"

namespace sasd::emulator::pci {
namespace {

constexpr uint32_t kMsixCapability = 0xC0;
constexpr uint32_t kMemoryBarNumber = 1;

}  // namespace

ConfigSpace::ConfigSpace(const PciIdentity& identity, bool with_msix) : with_msix_(with_msix) {
  Put(0x00, kVendorId, 2);
  Put(0x02, identity.device_id, 2);
  AllowWrites(0x04, 0x0547, 2);  // I/O, memory, bus master, parity, SERR, INTx disable
  Put(0x08, identity.revision, 1);
  Put(0x0A, 0x0107, 2);          // serial attached SCSI controller
  AllowWrites(0x0C, 0xFFFF, 2);  // cache line size, latency timer
  Put(0x10, 0x1, 4);
  AllowWrites(0x10, ~(kIoBarSize - 1), 4);
  AllowWrites(0x14, ~(kMemoryBarSize - 1), 4);
  Put(0x2C, kVendorId, 2);
  Put(0x2E, identity.subsystem_id, 2);
  AllowWrites(0x3C, 0xFF, 1);  // interrupt line
  Put(0x3D, 0x01, 1);          // INTA
  if (with_msix_) {
    Put(0x06, 0x0010, 2);  // there are capabilities
    Put(0x34, kMsixCapability, 1);
    Put(kMsixCapability, 0x11, 1);
    Put(kMsixCapability + 2, identity.msix_vectors - 1u, 2);
    AllowWrites(kMsixCapability + 2, 0xC000, 2);
    Put(kMsixCapability + 4, kMsixTableOffset | kMemoryBarNumber, 4);
    Put(kMsixCapability + 8, kMsixPendingOffset | kMemoryBarNumber, 4);
  }
  initial_ = bytes_;
}

void ConfigSpace::Reset() { bytes_ = initial_; }

uint32_t ConfigSpace::Get(uint32_t address, uint32_t size) const {
  uint32_t value = 0;
  for (uint32_t i = 0; i < size; ++i) value |= uint32_t{bytes_[address + i]} << 8 * i;
  return value;
}

void ConfigSpace::Put(uint32_t address, uint32_t value, uint32_t size) {
  for (uint32_t i = 0; i < size; ++i) bytes_[address + i] = static_cast<uint8_t>(value >> 8 * i);
}

void ConfigSpace::AllowWrites(uint32_t address, uint32_t mask, uint32_t size) {
  for (uint32_t i = 0; i < size; ++i) writable_[address + i] = static_cast<uint8_t>(mask >> 8 * i);
}

uint32_t ConfigSpace::MsixControl() const { return Get(kMsixCapability + 2, 2); }

uint32_t ConfigSpace::Read(uint32_t address, uint32_t size) const {
  if (address >= bytes_.size() || size > bytes_.size() - address) return 0xFFFFFFFF;
  return Get(address, size);
}

void ConfigSpace::Write(uint32_t address, uint32_t value, uint32_t size) {
  if (address >= bytes_.size() || size > bytes_.size() - address) return;
  for (uint32_t i = 0; i < size; ++i) {
    const uint8_t mask = writable_[address + i];
    const uint8_t byte = static_cast<uint8_t>(value >> 8 * i);
    bytes_[address + i] = static_cast<uint8_t>((bytes_[address + i] & ~mask) | (byte & mask));
  }
}

void ConfigSpace::SetInterruptStatus(bool level) {
  bytes_[0x06] = static_cast<uint8_t>((bytes_[0x06] & ~0x08) | (level ? 0x08 : 0));
}

}  // namespace sasd::emulator::pci
