#ifndef EMULATOR_FABRIC_UNIT_MEMORY_H_
#define EMULATOR_FABRIC_UNIT_MEMORY_H_

#include <cstdint>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "driver/base/sas_address.h"
#include "emulator/fabric/block_store.h"

namespace sasd::emulator::scsi {

// The settings that a host can change in a drive, with their factory values.
struct DriveSettings {
  bool write_cache = true;         // caching mode page, WCE
  bool descriptor_sense = false;   // control mode page, D_SENSE
  uint8_t exception_flags = 0;     // informational exceptions mode page, byte 2
  uint8_t exception_method = 0x6;  // the same page, MRIE
  bool stopped = false;            // START STOP UNIT
};

// A host's request to a slot: bytes 1 to 3 of its SES status element (SES-3, array device slot).
struct SlotRequest {
  uint8_t array = 0;       // rebuild, hot spare and the like
  uint8_t indicators = 0;  // ident, remove, insert, do not remove
  uint8_t fault = 0;
};

// The settings and data that the logical units of a fabric keep between commands, for all HBAs and
// ports. A unit's entry is found by a key made of its drive's world wide name and serial, so it
// moves with the drive. A slot's entry stays in the enclosure. Entries never set take no memory.
// Thread-safe.
class UnitMemory {
 public:
  BlockStore& blocks() { return blocks_; }

  DriveSettings drive(SasAddress key) const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    const auto it = drives_.find(key);
    return it == drives_.end() ? DriveSettings() : it->second;
  }
  void SetDrive(SasAddress key, const DriveSettings& settings) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    drives_[key] = settings;
  }

  // `position`: the slot's position in the enclosure, from 0.
  SlotRequest slot(uint32_t enclosure, uint16_t position) const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    const auto it = slots_.find({enclosure, position});
    return it == slots_.end() ? SlotRequest() : it->second;
  }
  void SetSlot(uint32_t enclosure, uint16_t position, SlotRequest request)
      ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    slots_[{enclosure, position}] = request;
  }

 private:
  BlockStore blocks_;
  mutable absl::Mutex mu_;
  absl::flat_hash_map<SasAddress, DriveSettings> drives_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<std::pair<uint32_t, uint16_t>, SlotRequest> slots_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sasd::emulator::scsi

#endif  // EMULATOR_FABRIC_UNIT_MEMORY_H_
