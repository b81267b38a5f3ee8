#include "emulator/pci/config_space.h"

namespace sasd::emulator::pci {
namespace {

constexpr uint32_t kPowerCapability = 0x50, kExpressCapability = 0x68, kMsixCapability = 0xC0;
constexpr uint32_t kErrorCapability = 0x100;
constexpr uint32_t kPowerControl = kPowerCapability + 4, kPowerStateMask = 0x3;
constexpr uint32_t kDeviceControl = kExpressCapability + 8, kInitiateReset = 0x8000;
constexpr uint32_t kMemoryBarNumber = 1;

}  // namespace

ConfigSpace::ConfigSpace(const PciIdentity& identity, bool with_msix)
    : with_msix_(with_msix), function_level_reset_(identity.function_level_reset) {
  Put(0x00, kVendorId, 2);
  Put(0x02, identity.device_id, 2);
  AllowWrites(0x04, 0x0547, 2);  // I/O, memory, bus master, parity, SERR, INTx disable
  Put(0x06, 0x0010, 2);          // there are capabilities
  Put(0x08, identity.revision, 1);
  Put(0x0A, 0x0107, 2);          // serial attached SCSI controller
  AllowWrites(0x0C, 0xFFFF, 2);  // cache line size, latency timer
  Put(0x10, 0x1, 4);
  AllowWrites(0x10, ~(kIoBarSize - 1), 4);
  AllowWrites(0x14, ~(kMemoryBarSize - 1), 4);
  Put(0x2C, kVendorId, 2);
  Put(0x2E, identity.subsystem_id, 2);
  Put(0x34, kPowerCapability, 1);
  AllowWrites(0x3C, 0xFF, 1);  // interrupt line
  Put(0x3D, 0x01, 1);          // INTA
  PutPowerManagement(kExpressCapability);
  PutExpress(identity, with_msix_ ? kMsixCapability : 0);
  if (with_msix_) PutMsix(identity);
  PutErrorReporting();
  initial_ = bytes_;
}

void ConfigSpace::PutPowerManagement(uint32_t next) {
  Put(kPowerCapability, 0x01, 1);
  Put(kPowerCapability + 1, next, 1);
  Put(kPowerCapability + 2, 0x0603, 2);  // version 3, D1, D2
  Put(kPowerControl, 0x0008, 2);         // D0, No_Soft_Reset
  AllowWrites(kPowerControl, kPowerStateMask, 2);
}

void ConfigSpace::PutExpress(const PciIdentity& identity, uint32_t next) {
  constexpr uint32_t kAt = kExpressCapability, kLanes = 8;
  const uint32_t link = identity.link_speed | kLanes << 4;
  Put(kAt, 0x10, 1);
  Put(kAt + 1, next, 1);
  Put(kAt + 2, 0x0002, 2);  // version 2, endpoint
  // Maximum payload 4096, extended tags, role-based error reporting, function level reset.
  Put(kAt + 0x04, 0x00008025 | (function_level_reset_ ? 0x10000000u : 0), 4);
  Put(kDeviceControl, 0x2810, 2);  // no snoop, relaxed ordering, reads of 512
  AllowWrites(kDeviceControl, 0x7FFF, 2);
  Put(kAt + 0x0C, link, 4);
  AllowWrites(kAt + 0x10, 0x00C3, 2);  // link control: ASPM, common clock
  Put(kAt + 0x12, link, 2);
  Put(kAt + 0x24, 0x1F, 4);  // completion timeouts, all ranges
  AllowWrites(kAt + 0x28, 0x1F, 2);
  Put(kAt + 0x2C, ((1u << identity.link_speed) - 1) << 1, 4);  // speeds
}

void ConfigSpace::PutMsix(const PciIdentity& identity) {
  Put(kMsixCapability, 0x11, 1);
  Put(kMsixCapability + 2, identity.msix_vectors - 1u, 2);
  AllowWrites(kMsixCapability + 2, 0xC000, 2);
  Put(kMsixCapability + 4, kMsixTableOffset | kMemoryBarNumber, 4);
  Put(kMsixCapability + 8, kMsixPendingOffset | kMemoryBarNumber, 4);
}

// No error ever happens, so the status registers stay 0.
void ConfigSpace::PutErrorReporting() {
  Put(kErrorCapability, 0x00020001, 4);  // version 2, the last
  AllowWrites(kErrorCapability + 0x08, 0x03FFF030, 4);
  Put(kErrorCapability + 0x0C, 0x00062030, 4);  // severities
  AllowWrites(kErrorCapability + 0x0C, 0x03FFF030, 4);
  Put(kErrorCapability + 0x14, 0x00002000, 4);
  AllowWrites(kErrorCapability + 0x14, 0x0000F1C1, 4);
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

bool ConfigSpace::IsAwake() const { return (Get(kPowerControl, 2) & kPowerStateMask) == 0; }

uint32_t ConfigSpace::Read(uint32_t address, uint32_t size) const {
  if (address >= kSize || address % size != 0) return 0xFFFFFFFF;
  return Get(address, size);
}

bool ConfigSpace::Write(uint32_t address, uint32_t value, uint32_t size) {
  if (address >= kSize || address % size != 0) return false;
  for (uint32_t i = 0; i < size; ++i) {
    const uint8_t mask = writable_[address + i];
    const uint8_t byte = static_cast<uint8_t>(value >> 8 * i);
    bytes_[address + i] = static_cast<uint8_t>((bytes_[address + i] & ~mask) | (byte & mask));
  }
  if (!function_level_reset_ || address > kDeviceControl + 1) return false;
  const uint32_t last = address + size - 1;  // aligned: it holds the register's upper byte or not
  return last > kDeviceControl &&
         (value >> 8 * (kDeviceControl + 1 - address) & kInitiateReset >> 8) != 0;
}

void ConfigSpace::SetInterruptStatus(bool level) {
  bytes_[0x06] = static_cast<uint8_t>((bytes_[0x06] & ~0x08) | (level ? 0x08 : 0));
}

}  // namespace sasd::emulator::pci
