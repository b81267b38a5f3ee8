#ifndef EMULATOR_FABRIC_BLOCK_STORE_H_
#define EMULATOR_FABRIC_BLOCK_STORE_H_

#include <cstdint>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "driver/base/endian.h"
#include "driver/base/sas_address.h"

namespace sasd::emulator::scsi {

// The data written on all drives of a fabric: one sparse, unnamed file in memory, with a region for
// each drive that was ever written. Blocks never written read as zeros and take no memory. A drive
// is known by the key of its unit (scsi/unit.h). Thread-safe; a read and a write of the same bytes
// at the same time may mix.
class BlockStore {
 public:
  BlockStore() = default;
  ~BlockStore();
  BlockStore(const BlockStore&) = delete;
  BlockStore& operator=(const BlockStore&) = delete;

  // `drive_size`: bytes; the same in all calls for a drive. The range from `offset` lies within it.
  // Errors: kResourceExhausted if memory is lacking.
  absl::Status Read(SasAddress drive, uint64_t offset, MutableByteSpan data) const
      ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status Write(SasAddress drive, uint64_t drive_size, uint64_t offset, ByteSpan data)
      ABSL_LOCKS_EXCLUDED(mu_);
  // The range reads as zeros from now on. Returns whole pages to the system.
  absl::Status Discard(SasAddress drive, uint64_t offset, uint64_t size) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  std::optional<uint64_t> RegionOf(SasAddress drive) const ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<uint64_t> MakeRegion(SasAddress drive, uint64_t drive_size)
      ABSL_LOCKS_EXCLUDED(mu_);

  mutable absl::Mutex mu_;
  int file_ = -1;  // written once, under mu_, before the first region
  uint64_t end_ ABSL_GUARDED_BY(mu_) = 0;
  absl::flat_hash_map<SasAddress, uint64_t> regions_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sasd::emulator::scsi

#endif  // EMULATOR_FABRIC_BLOCK_STORE_H_
