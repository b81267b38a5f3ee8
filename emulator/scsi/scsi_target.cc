#include "emulator/scsi/scsi_target.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"
#include "emulator/scsi/ata_target.h"
#include "emulator/scsi/block_commands.h"
#include "emulator/scsi/byte_writer.h"
#include "emulator/scsi/inquiry.h"
#include "emulator/scsi/log_pages.h"
#include "emulator/scsi/mode_pages.h"
#include "emulator/scsi/ses_target.h"

namespace sasd::emulator::scsi {
namespace {

constexpr size_t kCdbSize = 32;
constexpr int kLunShift = 48;  // SAM-5, 4.7.6: peripheral device addressing, in byte 1 of 8
constexpr int kNoAction = -1;
constexpr uint8_t kInquiry = 0x12, kRequestSense = 0x03, kReportLuns = 0xA0;

// A supported command. `usage`: its CDB in hexadecimal with all meaningful bits set, as REPORT
// SUPPORTED OPERATION CODES returns it (SPC-5, 6.38, CDB USAGE DATA).
struct Operation {
  uint8_t code;
  int action;  // service action
  bool (*has)(const Unit& unit);
  Outcome (*run)(const Unit& unit, const Command& command);
  absl::string_view usage;
};

bool Every(const Unit&) { return true; }
bool Drive(const Unit& unit) { return unit.is_disk(); }
bool Sata(const Unit& unit) { return unit.is_disk() && unit.is_sata(); }
bool Solid(const Unit& unit) { return unit.is_disk() && unit.model().solid_state; }
bool Enclosure(const Unit& unit) { return !unit.is_disk(); }

Outcome TestUnitReady(const Unit& unit, const Command&) {
  return unit.is_disk() && unit.settings().stopped ? NotReady() : Outcome();
}

// Sense data are never kept: they went out with their command.
Outcome RequestSense(const Unit&, const Command& command) {
  const bool descriptors = (command.cdb[1] & 0x01) != 0;  // DESC
  const mpi::Sense none;
  return DataIn(descriptors ? mpi::EncodeDescriptorSense(none) : mpi::EncodeFixedSense(none),
                command.cdb[4], command);
}

Outcome ReportLuns(const Unit& unit, const Command& command) {
  std::vector<uint64_t> luns;
  for (uint64_t lun = 0; lun < unit.model().lun_count; ++lun) luns.push_back(lun << kLunShift);
  return DataIn(mpi::EncodeReportLuns(luns), LoadBe32(command.cdb, 6), command);
}

// Abort task, abort and clear task set, logical unit reset, query task; I_T nexus reset.
Outcome ReportTaskManagement(const Unit&, const Command& command) {
  return DataIn({0xD9, 0x01, 0, 0}, LoadBe32(command.cdb, 6), command);
}

Outcome ReportOperations(const Unit& unit, const Command& command);

const Operation kOperations[] = {
    {0x00, kNoAction, Every, TestUnitReady, "000000000000"},
    {kRequestSense, kNoAction, Every, RequestSense, "03010000ff00"},
    {0x08, kNoAction, Drive, Read6, "081fffffff00"},
    {0x0A, kNoAction, Drive, Write6, "0a1fffffff00"},
    {kInquiry, kNoAction, Every, Inquiry, "1201ffffff00"},
    {0x15, kNoAction, Drive, ModeSelect6, "15110000ff00"},
    {0x1A, kNoAction, Drive, ModeSense6, "1a08ffffff00"},
    {0x1B, kNoAction, Drive, StartStopUnit, "1b010000f100"},
    {0x1C, kNoAction, Enclosure, ReceiveDiagnosticResults, "1c01ffffff00"},
    {0x1D, kNoAction, Every, SendDiagnostic, "1df700ffff00"},
    {0x25, kNoAction, Drive, ReadCapacity10, "25000000000000000000"},
    {0x28, kNoAction, Drive, Read10, "2818ffffffff00ffff00"},
    {0x2A, kNoAction, Drive, Write10, "2a18ffffffff00ffff00"},
    {0x2E, kNoAction, Drive, Write10, "2e10ffffffff00ffff00"},
    {0x2F, kNoAction, Drive, Verify10, "2f16ffffffff00ffff00"},
    {0x35, kNoAction, Drive, SynchronizeCache10, "3502ffffffff00ffff00"},
    {0x37, kNoAction, Drive, ReadDefectData10, "37001f00000000ffff00"},
    {0x41, kNoAction, Drive, WriteSame10, "4108ffffffff00ffff00"},
    {0x42, kNoAction, Solid, Unmap, "42000000000000ffff00"},
    {0x4D, kNoAction, Drive, LogSense, "4d00ffff000000ffff00"},
    {0x55, kNoAction, Drive, ModeSelect10, "55110000000000ffff00"},
    {0x5A, kNoAction, Drive, ModeSense10, "5a08ffff000000ffff00"},
    {0x85, kNoAction, Sata, AtaPassThrough16, "85ffffffffffffffffffffffffffff00"},
    {0x88, kNoAction, Drive, Read16, "8818ffffffffffffffffffffffff0000"},
    {0x8A, kNoAction, Drive, Write16, "8a18ffffffffffffffffffffffff0000"},
    {0x8E, kNoAction, Drive, Write16, "8e10ffffffffffffffffffffffff0000"},
    {0x8F, kNoAction, Drive, Verify16, "8f16ffffffffffffffffffffffff0000"},
    {0x91, kNoAction, Drive, SynchronizeCache16, "9102ffffffffffffffffffffffff0000"},
    {0x93, kNoAction, Drive, WriteSame16, "9309ffffffffffffffffffffffff0000"},
    {0x9E, 0x10, Drive, ReadCapacity16, "9e100000000000000000ffffffff0000"},
    {kReportLuns, kNoAction, Every, ReportLuns, "a00000000000ffffffff0000"},
    {0xA1, kNoAction, Sata, AtaPassThrough12, "a1ffffffffffffffffff0000"},
    {0xA3, 0x0C, Every, ReportOperations, "a30c87ffffffffffffff0000"},
    {0xA3, 0x0D, Every, ReportTaskManagement, "a30d00000000ffffffff0000"},
    {0xA8, kNoAction, Drive, Read12, "a818ffffffffffffffff0000"},
    {0xAA, kNoAction, Drive, Write12, "aa18ffffffffffffffff0000"},
    {0xB7, kNoAction, Drive, ReadDefectData12, "b71f00000000ffffffff0000"},
};

const Operation* Find(const Unit& unit, uint8_t code, int action) {
  const auto it =
      std::find_if(std::begin(kOperations), std::end(kOperations), [&](const Operation& o) {
        return o.code == code && (o.action == kNoAction || o.action == action) && o.has(unit);
      });
  return it == std::end(kOperations) ? nullptr : it;
}

Bytes AllOperations(const Unit& unit) {
  ByteWriter list;
  for (const Operation& operation : kOperations) {
    if (!operation.has(unit)) continue;
    const bool has_action = operation.action != kNoAction;
    list.U8(operation.code).U8(0);
    list.Be16(static_cast<uint16_t>(has_action ? operation.action : 0));
    list.U8(0).U8(has_action ? 1 : 0);  // SERVACTV
    list.Be16(static_cast<uint16_t>(operation.usage.size() / 2));
  }
  const Bytes entries = list.Take();
  return ByteWriter().Be32(static_cast<uint32_t>(entries.size())).Append(entries).Take();
}

Bytes OneOperation(const Operation* operation) {
  constexpr uint8_t kNotSupported = 1, kSupported = 3;
  if (operation == nullptr) return {0, kNotSupported, 0, 0};
  const std::string usage = absl::HexStringToBytes(operation->usage);
  return ByteWriter()
      .U8(0)
      .U8(kSupported)
      .Be16(static_cast<uint16_t>(usage.size()))
      .Text(usage, usage.size())
      .Take();
}

// SPC-5, 6.38. Command timeouts are not reported.
Outcome ReportOperations(const Unit& unit, const Command& command) {
  enum Options : uint8_t { kAll = 0, kOne = 1, kOneWithAction = 2, kOneOfAnyKind = 3 };
  const uint8_t options = command.cdb[2] & 0x07;
  const uint8_t code = command.cdb[3];
  const uint16_t action = LoadBe16(command.cdb, 4);
  const uint32_t allocation_length = LoadBe32(command.cdb, 6);
  if (options == kAll) return DataIn(AllOperations(unit), allocation_length, command);
  if (options > kOneOfAnyKind) return InvalidCdbField();
  const Operation* const operation = Find(unit, code, action);
  if (operation != nullptr && options != kOneOfAnyKind &&
      (operation->action != kNoAction) != (options == kOneWithAction)) {
    return InvalidCdbField();
  }
  return DataIn(OneOperation(operation), allocation_length, command);
}

Outcome Run(const Unit& unit, const Command& command) {
  if (command.cdb.size() < kCdbSize) return InvalidOperation();
  const uint8_t code = command.cdb[0];
  const bool any_lun = code == kInquiry || code == kRequestSense || code == kReportLuns;
  if (!unit.exists() && !any_lun) return LunNotSupported();
  const Operation* const operation = Find(unit, code, command.cdb[1] & 0x1F);
  return operation == nullptr ? InvalidOperation() : operation->run(unit, command);
}

Bytes EncodeSense(const Outcome& outcome, bool as_descriptors) {
  if (!as_descriptors && outcome.sense_descriptors.empty()) {
    return mpi::EncodeFixedSense(*outcome.sense);
  }
  Bytes sense = mpi::EncodeDescriptorSense(*outcome.sense);
  sense[7] = static_cast<uint8_t>(outcome.sense_descriptors.size());
  sense.insert(sense.end(), outcome.sense_descriptors.begin(), outcome.sense_descriptors.end());
  return sense;
}

}  // namespace

ScsiResult ExecuteScsi(const Unit& unit, const Command& command) {
  Unit addressed = unit;
  const uint64_t lun = command.lun >> kLunShift;
  const bool sound = lun << kLunShift == command.lun && lun < kMaxLuns;
  addressed.lun = sound ? static_cast<uint8_t>(lun) : kMaxLuns;
  const Outcome outcome = Run(addressed, command);
  ScsiResult result;
  result.transferred = outcome.transferred;
  if (outcome.sense) {
    result.status = mpi::scsi_status::kCheckCondition;
    result.sense = EncodeSense(outcome, addressed.settings().descriptor_sense);
  }
  return result;
}

}  // namespace sasd::emulator::scsi
