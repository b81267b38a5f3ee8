#include "emulator/scsi/block_commands.h"

#include <algorithm>
#include <vector>

#include "emulator/scsi/byte_writer.h"
#include "emulator/scsi/inquiry.h"

namespace sasd::emulator::scsi {
namespace {

constexpr size_t kCompareChunk = 65536;  // bytes

struct Extent {
  uint64_t first = 0;
  uint64_t count = 0;  // blocks
};

Extent Extent6(ByteSpan cdb) {
  const uint32_t first = LoadBe32(cdb, 0) & 0x1FFFFF;
  return {first, cdb[4] == 0 ? uint64_t{256} : cdb[4]};
}
Extent Extent10(ByteSpan cdb) { return {LoadBe32(cdb, 2), LoadBe16(cdb, 7)}; }
Extent Extent12(ByteSpan cdb) { return {LoadBe32(cdb, 2), LoadBe32(cdb, 6)}; }
Extent Extent16(ByteSpan cdb) { return {LoadBe64(cdb, 2), LoadBe32(cdb, 10)}; }

bool Fits(const Unit& unit, Extent extent) {
  const uint64_t blocks = unit.block_count();
  return extent.first <= blocks && extent.count <= blocks - extent.first;
}

// Why a command cannot access the medium now.
std::optional<Outcome> Refusal(const Unit& unit, Extent extent) {
  if (unit.settings().stopped) return NotReady();
  if (!Fits(unit, extent)) return OutOfRange();
  return std::nullopt;
}

uint64_t ByteOffset(const Unit& unit, Extent extent) {
  return extent.first * unit.model().block_size;
}
uint64_t ByteSize(const Unit& unit, Extent extent) {
  return extent.count * unit.model().block_size;
}

Outcome MediumError(uint8_t asc) { return Failed(0x03, asc); }
// The host sends less data, or has less room, than its CDB asks for (SPC-5: data phase error).
Outcome DataPhaseError() { return Failed(0x0B, 0x4B); }

Outcome Transferred(size_t bytes) {
  Outcome outcome;
  outcome.transferred = bytes;
  return outcome;
}

Outcome Read(const Unit& unit, const Command& command, Extent extent) {
  if (const auto refusal = Refusal(unit, extent)) return *refusal;
  const uint64_t size = ByteSize(unit, extent);
  if (size > command.data_in.size()) return DataPhaseError();
  if (!unit.memory.blocks()
           .Read(unit.key(), ByteOffset(unit, extent), command.data_in.subspan(0, size))
           .ok()) {
    return MediumError(0x11);  // unrecovered read error
  }
  return Transferred(size);
}

Outcome Write(const Unit& unit, const Command& command, Extent extent) {
  if (const auto refusal = Refusal(unit, extent)) return *refusal;
  const uint64_t size = ByteSize(unit, extent);
  if (size > command.data_out.size()) return DataPhaseError();
  if (!unit.memory.blocks()
           .Write(unit.key(), unit.model().size_bytes, ByteOffset(unit, extent),
                  command.data_out.subspan(0, size))
           .ok()) {
    return MediumError(0x0C);  // write error
  }
  return Transferred(size);
}

// BYTCHK 0: the medium verifies without data. 1: compares it with the host's data.
Outcome Verify(const Unit& unit, const Command& command, Extent extent) {
  if (const auto refusal = Refusal(unit, extent)) return *refusal;
  const uint8_t compare = command.cdb[1] >> 1 & 0x3;
  if (compare > 1) return InvalidCdbField();
  if (compare == 0) return {};
  const uint64_t size = ByteSize(unit, extent);
  if (size > command.data_out.size()) return DataPhaseError();
  Bytes chunk;
  for (uint64_t done = 0; done < size; done += chunk.size()) {
    chunk.resize(std::min<uint64_t>(kCompareChunk, size - done));
    if (!unit.memory.blocks()
             .Read(unit.key(), ByteOffset(unit, extent) + done, absl::MakeSpan(chunk))
             .ok()) {
      return MediumError(0x11);
    }
    if (!std::equal(chunk.begin(), chunk.end(), command.data_out.begin() + done)) {
      return Failed(0x0E, 0x1D);  // miscompare during verify
    }
  }
  return Transferred(size);
}

Outcome Synchronize(const Unit& unit, Extent extent) {
  const auto refusal = Refusal(unit, extent);
  return refusal ? *refusal : Outcome();
}

Outcome Discard(const Unit& unit, Extent extent) {
  return unit.memory.blocks()
                 .Discard(unit.key(), ByteOffset(unit, extent), ByteSize(unit, extent))
                 .ok()
             ? Outcome()
             : MediumError(0x0C);
}

// `no_data`: NDOB, writes zeros. A count of 0 reaches to the last block. Zeros cost nothing, in any
// number. Other data has a limit, even if UNMAP allows to leave it out.
Outcome WriteSame(const Unit& unit, const Command& command, Extent extent, bool no_data) {
  if (const auto refusal = Refusal(unit, extent)) return *refusal;
  const bool unmap = (command.cdb[1] & 0x08) != 0;
  if (unmap && !unit.model().solid_state) return InvalidCdbField();
  if (extent.count == 0) extent.count = unit.block_count() - extent.first;
  const size_t block_size = unit.model().block_size;
  Bytes block(block_size);
  if (!no_data) {
    if (command.data_out.size() < block_size) return DataPhaseError();
    std::copy_n(command.data_out.begin(), block_size, block.begin());
  }
  const size_t sent = no_data ? 0 : block_size;
  const bool zeros = std::all_of(block.begin(), block.end(), [](uint8_t b) { return b == 0; });
  if (zeros) {
    Outcome outcome = Discard(unit, extent);
    outcome.transferred = sent;
    return outcome;
  }
  if (extent.count > kMaxWriteSameBlocks) return InvalidCdbField();
  Bytes run;
  for (uint64_t i = 0; i < extent.count; ++i) run.insert(run.end(), block.begin(), block.end());
  if (!unit.memory.blocks()
           .Write(unit.key(), unit.model().size_bytes, ByteOffset(unit, extent), run)
           .ok()) {
    return MediumError(0x0C);
  }
  return Transferred(sent);
}

// The glist is empty: no grown defects (SBC-4, 5.18).
Outcome DefectList(const Command& command, ByteWriter header, size_t allocation_length) {
  return DataIn(header.Take(), allocation_length, command);
}

constexpr uint8_t kLists = 0x18;  // PLIST, GLIST: which were asked for

}  // namespace

Outcome ReadCapacity10(const Unit& unit, const Command& command) {
  const mpi::Capacity capacity = {unit.block_count() - 1, unit.model().block_size};
  return DataIn(mpi::EncodeCapacity10(capacity), 8, command);
}

Outcome ReadCapacity16(const Unit& unit, const Command& command) {
  Bytes data = mpi::EncodeCapacity16({unit.block_count() - 1, unit.model().block_size});
  if (unit.model().solid_state) data[14] = 0xC0;  // LBPME, LBPRZ
  return DataIn(data, LoadBe32(command.cdb, 10), command);
}

Outcome Read6(const Unit& u, const Command& c) { return Read(u, c, Extent6(c.cdb)); }
Outcome Read10(const Unit& u, const Command& c) { return Read(u, c, Extent10(c.cdb)); }
Outcome Read12(const Unit& u, const Command& c) { return Read(u, c, Extent12(c.cdb)); }
Outcome Read16(const Unit& u, const Command& c) { return Read(u, c, Extent16(c.cdb)); }
Outcome Write6(const Unit& u, const Command& c) { return Write(u, c, Extent6(c.cdb)); }
Outcome Write10(const Unit& u, const Command& c) { return Write(u, c, Extent10(c.cdb)); }
Outcome Write12(const Unit& u, const Command& c) { return Write(u, c, Extent12(c.cdb)); }
Outcome Write16(const Unit& u, const Command& c) { return Write(u, c, Extent16(c.cdb)); }
Outcome Verify10(const Unit& u, const Command& c) { return Verify(u, c, Extent10(c.cdb)); }
Outcome Verify16(const Unit& u, const Command& c) { return Verify(u, c, Extent16(c.cdb)); }
Outcome SynchronizeCache10(const Unit& u, const Command& c) {
  return Synchronize(u, Extent10(c.cdb));
}
Outcome SynchronizeCache16(const Unit& u, const Command& c) {
  return Synchronize(u, Extent16(c.cdb));
}
Outcome WriteSame10(const Unit& u, const Command& c) {
  return WriteSame(u, c, Extent10(c.cdb), false);
}
Outcome WriteSame16(const Unit& u, const Command& c) {
  return WriteSame(u, c, Extent16(c.cdb), (c.cdb[1] & 0x01) != 0);
}

// Checks all ranges before it unmaps the first.
Outcome Unmap(const Unit& unit, const Command& command) {
  constexpr size_t kHeader = 8, kRange = 16;
  if (!unit.model().solid_state) return InvalidOperation();
  const size_t size = LoadBe16(command.cdb, 7);
  if (size == 0) return {};
  if (size < kHeader || command.data_out.size() < size) return ParameterListLength();
  const ByteSpan list = command.data_out.subspan(0, size);
  const size_t bytes = std::min<size_t>(LoadBe16(list, 2), size - kHeader);
  std::vector<Extent> extents;
  uint64_t blocks = 0;
  for (size_t at = kHeader; at + kRange <= kHeader + bytes; at += kRange) {
    extents.push_back({LoadBe64(list, at), LoadBe32(list, at + 8)});
    if (const auto refusal = Refusal(unit, extents.back())) return *refusal;
    blocks += extents.back().count;
  }
  if (extents.size() > kMaxUnmapRanges || blocks > kMaxUnmapBlocks) return InvalidParameter();
  for (Extent extent : extents) {
    Outcome outcome = Discard(unit, extent);
    if (outcome.sense) return outcome;
  }
  return Transferred(size);
}

// SBC-4, 5.31. A power condition is accepted and changes nothing.
Outcome StartStopUnit(const Unit& unit, const Command& command) {
  const bool power_condition = (command.cdb[4] & 0xF0) != 0;
  if (power_condition) return {};
  DriveSettings settings = unit.settings();
  settings.stopped = (command.cdb[4] & 0x01) == 0;
  unit.memory.SetDrive(unit.key(), settings);
  return {};
}

Outcome ReadDefectData10(const Unit&, const Command& command) {
  const uint8_t asked = command.cdb[2] & (kLists | 0x07);
  return DefectList(command, ByteWriter().U8(0).U8(asked).Be16(0), LoadBe16(command.cdb, 7));
}
Outcome ReadDefectData12(const Unit&, const Command& command) {
  const uint8_t asked = command.cdb[1] & (kLists | 0x07);
  return DefectList(command, ByteWriter().U8(0).U8(asked).Be16(0).Be32(0),
                    LoadBe32(command.cdb, 6));
}

}  // namespace sasd::emulator::scsi
