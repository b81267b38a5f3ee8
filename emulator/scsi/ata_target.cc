#include "emulator/scsi/ata_target.h"

#include "emulator/scsi/ata_data.h"
#include "emulator/scsi/byte_writer.h"

namespace sasd::emulator::scsi {
namespace {

// ACS-3, annex B; SMART's are in the features register.
enum AtaCommand : uint8_t {
  kReadVerify = 0x40,
  kReadVerifyExt = 0x42,
  kSmart = 0xB0,
  kStandbyImmediate = 0xE0,
  kIdleImmediate = 0xE1,
  kCheckPowerMode = 0xE5,
  kFlushCache = 0xE7,
  kFlushCacheExt = 0xEA,
  kIdentifyDevice = 0xEC,
  kSetFeatures = 0xEF,
};
enum SmartFeature : uint8_t {
  kReadData = 0xD0,
  kReadThresholds = 0xD1,
  kOfflineImmediate = 0xD4,
  kReadLog = 0xD5,
  kEnable = 0xD8,
  kDisable = 0xD9,
  kReturnStatus = 0xDA,
};
constexpr uint8_t kWriteCacheOn = 0x02, kWriteCacheOff = 0x82;  // SET FEATURES
constexpr uint16_t kSmartSignature = 0xC24F;                    // LBA high and mid
constexpr uint8_t kReady = 0x50, kReadyError = 0x51, kAborted = 0x04;
constexpr uint8_t kActive = 0xFF, kStandby = 0x00;  // CHECK POWER MODE

// The registers of a command, later those of its completion.
struct Registers {
  bool extend = false;
  uint16_t features = 0;  // error
  uint16_t count = 0;
  uint64_t lba = 0;  // 48 bits
  uint8_t device = 0;
  uint8_t command = 0;  // status
};

struct Completion {
  bool aborted = false;
  Bytes data;
};

Completion Aborted() { return {true, {}}; }

bool ChangeWriteCache(const Unit& unit, uint8_t feature) {
  if (feature != kWriteCacheOn && feature != kWriteCacheOff) return false;
  DriveSettings settings = unit.settings();
  settings.write_cache = feature == kWriteCacheOn;
  unit.memory.SetDrive(unit.key(), settings);
  return true;
}

void SetStopped(const Unit& unit, bool stopped) {
  DriveSettings settings = unit.settings();
  settings.stopped = stopped;
  unit.memory.SetDrive(unit.key(), settings);
}

Completion Smart(const Unit& unit, const Registers& registers) {
  if ((registers.lba >> 8 & 0xFFFF) != kSmartSignature) return Aborted();
  switch (registers.features & 0xFF) {
    case kReadData:
      return {false, SmartData(unit)};
    case kReadThresholds:
      return {false, SmartThresholds()};
    case kReadLog: {
      Bytes log = SmartLog(static_cast<uint8_t>(registers.lba));
      return log.empty() ? Aborted() : Completion{false, std::move(log)};
    }
    case kReturnStatus:  // leaves the signature: no threshold is exceeded
    case kEnable:
    case kDisable:
    case kOfflineImmediate:
      return {};
    default:
      return Aborted();
  }
}

Completion Run(const Unit& unit, Registers& registers) {
  switch (registers.command) {
    case kIdentifyDevice:
      return {false, IdentifyDevice(unit)};
    case kSmart:
      return Smart(unit, registers);
    case kCheckPowerMode:
      registers.count = unit.settings().stopped ? kStandby : kActive;
      return {};
    case kStandbyImmediate:
      SetStopped(unit, true);
      return {};
    case kIdleImmediate:
      SetStopped(unit, false);
      return {};
    case kFlushCache:
    case kFlushCacheExt:
      return {};
    case kReadVerify:
    case kReadVerifyExt:
      return registers.lba < unit.block_count() ? Completion() : Aborted();
    case kSetFeatures:
      return ChangeWriteCache(unit, static_cast<uint8_t>(registers.features)) ? Completion()
                                                                              : Aborted();
    default:
      return Aborted();
  }
}

// SAT-4, 12.2.2.7: the ATA status return descriptor.
Bytes StatusReturn(const Registers& registers) {
  ByteWriter writer;
  writer.U8(0x09).U8(12).U8(registers.extend ? 1 : 0);
  writer.U8(static_cast<uint8_t>(registers.features)).Be16(registers.count);
  for (int i = 0; i < 3; ++i) {  // low, mid, high: the bits from 24 on, then those from 0 on
    writer.U8(static_cast<uint8_t>(registers.lba >> (24 + 8 * i)));
    writer.U8(static_cast<uint8_t>(registers.lba >> (8 * i)));
  }
  return writer.U8(registers.device).U8(registers.command).Take();
}

// `flags`: byte 2 of the CDB.
Outcome PassThrough(const Unit& unit, const Command& command, Registers registers, uint8_t flags) {
  const bool check_condition = (flags & 0x20) != 0;  // CK_COND
  const Completion completion = Run(unit, registers);
  registers.features = completion.aborted ? kAborted : 0;
  registers.command = completion.aborted ? kReadyError : kReady;
  if (completion.aborted) {
    Outcome outcome = Failed(0x0B, 0x00, 0x00);
    outcome.sense_descriptors = StatusReturn(registers);
    return outcome;
  }
  Outcome outcome = DataIn(completion.data, completion.data.size(), command);
  if (check_condition) {
    outcome.sense = mpi::Sense{0x01, 0x00, 0x1D};  // ATA pass-through information available
    outcome.sense_descriptors = StatusReturn(registers);
  }
  return outcome;
}

}  // namespace

// SAT-4, 12.4.2.
Bytes AtaInformation(const Unit& unit) {
  ByteWriter writer;
  writer.Zeros(4).Text("LSI", 8).Text("LSI SATL", 16).Text("0008", 4);
  // The register FIS of an ATA device after power-on: status, error, LBA low and count 1.
  writer.List({0x34, 0x00, kReady, 0x01, 0x01, 0, 0, 0, 0, 0, 0, 0, 0x01, 0, 0, 0, 0, 0, 0, 0});
  writer.U8(kIdentifyDevice).Zeros(3).Append(IdentifyDevice(unit));
  return writer.Take();
}

Outcome AtaPassThrough12(const Unit& unit, const Command& command) {
  const ByteSpan cdb = command.cdb;
  Registers registers;
  registers.features = cdb[3];
  registers.count = cdb[4];
  registers.lba = cdb[5] | uint64_t{cdb[6]} << 8 | uint64_t{cdb[7]} << 16;
  registers.device = cdb[8];
  registers.command = cdb[9];
  return PassThrough(unit, command, registers, cdb[2]);
}

Outcome AtaPassThrough16(const Unit& unit, const Command& command) {
  const ByteSpan cdb = command.cdb;
  Registers registers;
  registers.extend = (cdb[1] & 0x01) != 0;
  registers.features = LoadBe16(cdb, 3);
  registers.count = LoadBe16(cdb, 5);
  for (int i = 0; i < 3; ++i) {
    registers.lba |= uint64_t{cdb[7 + 2 * i]} << (24 + 8 * i) | uint64_t{cdb[8 + 2 * i]} << 8 * i;
  }
  registers.device = cdb[13];
  registers.command = cdb[14];
  return PassThrough(unit, command, registers, cdb[2]);
}

}  // namespace sasd::emulator::scsi
