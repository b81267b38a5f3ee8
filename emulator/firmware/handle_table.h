#ifndef EMULATOR_FIRMWARE_HANDLE_TABLE_H_
#define EMULATOR_FIRMWARE_HANDLE_TABLE_H_

#include <cstdint>
#include <functional>
#include <queue>
#include <vector>

#include "driver/base/sas_address.h"
#include "emulator/fabric/fabric.h"

namespace sasd::emulator {

// SplitMix64: small, and gives the same numbers on every machine.
class SplitMix64 {
 public:
  explicit SplitMix64(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }

 private:
  uint64_t state_;
};

// What a device handle stands for. Its states:
//   kFree -> kPresent -> kGone -> kFree        (gone: awaits the host's removal handshake)
//            kPresent <-> kMissing -> kGone    (missing: within the report-missing delay)
struct HandleEntry {
  enum class State : uint8_t { kFree, kPresent, kMissing, kGone };
  enum class Kind : uint8_t { kHba, kExpander, kDevice, kInitiator };  // kInitiator: another host

  State state = State::kFree;
  Kind kind = Kind::kDevice;
  uint8_t parent_phy = 0;   // the lowest phy of the parent that leads here
  uint8_t port = 0;         // the HBA's physical port
  uint8_t device_port = 0;  // kDevice: which of its ports is here
  uint8_t generation = 0;   // kDevice: which drive in this place (FabricState::device_generation)
  uint16_t parent = 0;      // handle; 0: none
  uint16_t enclosure = 0;   // enclosure handle; 0: none
  uint32_t element = 0;     // host, expander or device in the fabric
  SasAddress address;       // as it was found

  bool alive() const { return state == State::kPresent || state == State::kMissing; }
};

// The firmware's device handles 1..max. The HBA's own is 1. Handles 2..num_phys are never used, as
// in the boot log of a real SAS3008 (the first device is num_phys + 1). Thread-compatible.
class HandleTable {
 public:
  HandleTable(uint8_t num_phys, uint16_t max_handle);

  // Takes the lowest free handle; 0 if all are in use.
  uint16_t Allocate(const HandleEntry& entry);
  void Free(uint16_t handle);

  // nullptr if the handle is free or out of range.
  HandleEntry* Find(uint16_t handle);
  const HandleEntry* Find(uint16_t handle) const;

  // The next handle after `handle` whose device is alive (0xFFFF: from the start); 0: none.
  uint16_t Next(uint16_t handle) const;

  // Frees all handles. Those allocated from now on until EndRenumbering() come from the handles
  // used so far, shuffled by `seed`. An expander's handle is higher than that of the expander that
  // it hangs at, as discovery from the HBA outwards makes it. The kernel's scan after a reset
  // relies on that: it adds a new expander only once it has refreshed the phys of the one above.
  void BeginRenumbering(uint64_t seed);
  void EndRenumbering();

  size_t in_use() const { return in_use_; }  // without the HBA's

 private:
  // 0: none of the shuffled handles fits.
  uint16_t TakeShuffled(const HandleEntry& entry);

  const uint16_t first_;
  const uint16_t max_;
  std::vector<HandleEntry> entries_;  // by handle
  uint32_t fresh_;                    // the lowest handle that was never used
  std::priority_queue<uint16_t, std::vector<uint16_t>, std::greater<uint16_t>> freed_;
  std::vector<uint16_t> shuffled_;  // while renumbering
  SplitMix64 random_{0};            // while renumbering
  size_t in_use_ = 0;
};

}  // namespace sasd::emulator

#endif  // EMULATOR_FIRMWARE_HANDLE_TABLE_H_
