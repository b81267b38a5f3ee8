#ifndef EMULATOR_SCSI_UNIT_H_
#define EMULATOR_SCSI_UNIT_H_

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "driver/base/endian.h"
#include "driver/base/sas_address.h"
#include "driver/wire/scsi/scsi.h"
#include "emulator/fabric/fabric_state.h"
#include "emulator/fabric/unit_memory.h"

namespace sasd::emulator::scsi {

// A logical unit of an end device, addressed through one of its ports. Borrows all.
struct Unit {
  const FabricState& fabric;
  UnitMemory& memory;
  uint32_t device = 0;
  uint8_t port = 0;
  uint8_t lun = 0;

  const DeviceSpec& spec() const { return fabric.device(device); }
  const DeviceModel& model() const { return fabric.model_of(device); }
  bool is_disk() const { return model().type == DeviceModel::Type::kDisk; }
  bool is_sata() const { return model().protocol == DeviceModel::Protocol::kSata; }
  uint8_t type() const { return static_cast<uint8_t>(model().type); }
  bool exists() const { return lun < model().lun_count; }
  SasAddress name() const { return spec().name; }  // of the device
  // The unit's place in `memory`. Drives that share a name differ by their serials.
  SasAddress key() const {
    uint64_t hash = 0xCBF29CE484222325;  // FNV-1a
    for (unsigned char c : spec().serial) hash = (hash ^ c) * 0x100000001B3;
    return SasAddress((name().value() ^ hash) + lun);
  }
  uint64_t block_count() const { return model().size_bytes / model().block_size; }
  DriveSettings settings() const { return memory.drive(key()); }
};

// A command in progress.
struct Command {
  uint64_t lun = 0;  // the 8-byte LUN, big-endian
  ByteSpan cdb;      // 32 bytes, zeros behind the command's own
  ByteSpan data_out;
  MutableByteSpan data_in;
};

// The outcome of a command: "good" without data unless a field differs.
struct Outcome {
  std::optional<mpi::Sense> sense;  // check condition
  Bytes sense_descriptors;          // follow the sense; if any, it has descriptor format
  size_t transferred = 0;           // bytes of data, in or out
};

inline Outcome Failed(uint8_t key, uint8_t asc, uint8_t ascq = 0) {
  Outcome outcome;
  outcome.sense = mpi::Sense{key, asc, ascq};
  return outcome;
}
// Not ready: the drive was stopped and must be started.
inline Outcome NotReady() { return Failed(0x02, 0x04, 0x02); }
// SPC-5, annex F, with sense key ILLEGAL REQUEST.
inline Outcome InvalidOperation() { return Failed(0x05, 0x20); }
inline Outcome OutOfRange() { return Failed(0x05, 0x21); }
inline Outcome InvalidCdbField() { return Failed(0x05, 0x24); }
inline Outcome LunNotSupported() { return Failed(0x05, 0x25); }
inline Outcome InvalidParameter() { return Failed(0x05, 0x26); }
inline Outcome ParameterListLength() { return Failed(0x05, 0x1A); }

// As much of `data` as the host has allocated and has room for.
inline Outcome DataIn(const Bytes& data, size_t allocation_length, const Command& command) {
  Outcome outcome;
  outcome.transferred = std::min({data.size(), allocation_length, command.data_in.size()});
  std::copy_n(data.begin(), outcome.transferred, command.data_in.begin());
  return outcome;
}

}  // namespace sasd::emulator::scsi

#endif  // EMULATOR_SCSI_UNIT_H_
