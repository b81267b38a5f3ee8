#include "emulator/scsi/phy_pages.h"

#include "emulator/scsi/byte_writer.h"

namespace sasd::emulator::scsi {
namespace {

constexpr uint8_t kEndDevice = 1, kExpander = 2;            // SPL-4, ATTACHED DEVICE TYPE
constexpr uint8_t kSspInitiator = 0x0E, kSmpTarget = 0x02;  // attached protocol bits
constexpr uint8_t kMinRate = 0x8;                           // 1.5 Gbit/s

}  // namespace

Bytes PhyDescriptor(const Unit& unit, uint8_t port, bool with_errors) {
  const DeviceSpec::Port& own = unit.spec().ports[port];
  const bool up = unit.fabric.device_up(unit.device) && unit.fabric.Link(own.at).up();
  const bool to_host = own.at.node.is_host;
  const uint8_t peer_type = to_host ? kEndDevice : kExpander;
  const uint8_t max_rate = static_cast<uint8_t>(unit.model().max_rate);
  ByteWriter writer;
  writer.U8(0).U8(port).U8(0).U8(with_errors ? 44 : 0);  // a log descriptor has its length
  writer.U8(up ? static_cast<uint8_t>(peer_type << 4) : 0);
  writer.U8(up ? static_cast<uint8_t>(unit.fabric.Link(own.at).rate) : 0);
  writer.U8(up && to_host ? kSspInitiator : 0).U8(up && !to_host ? kSmpTarget : 0);
  writer.Address(own.address);
  writer.Address(up ? unit.fabric.address(own.at.node) : SasAddress());
  writer.U8(up ? own.at.phy : 0).Zeros(7);
  if (!with_errors) {
    const uint8_t least = kMinRate << 4 | kMinRate;
    const uint8_t most = static_cast<uint8_t>(max_rate << 4 | max_rate);
    return writer.U8(least).U8(most).Zeros(14).Take();
  }
  const PhyErrors errors = unit.fabric.errors(own.at);
  return writer.Be32(errors.invalid_dwords)
      .Be32(errors.disparity_errors)
      .Be32(errors.loss_of_sync)
      .Be32(errors.reset_problems)
      .Take();
}

}  // namespace sasd::emulator::scsi
