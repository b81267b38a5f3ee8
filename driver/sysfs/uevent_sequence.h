#ifndef DRIVER_SYSFS_UEVENT_SEQUENCE_H_
#define DRIVER_SYSFS_UEVENT_SEQUENCE_H_

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

namespace sasd::sysfs {

// Counts the uevents that an overrun of the socket's buffer lost, by the gaps in SEQNUM, which
// counts all uevents of the machine. Gaps count only after an overrun. Other gaps are uevents for
// another network namespace. During an overrun these count too, so the count is "at most". Not
// thread-safe.
class UeventSequence {
 public:
  // `newest`: the kernel's newest number when receiving began; 0 if unknown.
  explicit UeventSequence(uint64_t newest) : last_(newest) {}

  // The kernel has dropped uevents that follow those still queued (ENOBUFS).
  void Overrun() { overrun_ = true; }

  // Call for each received uevent. Returns how many were lost before it; nullopt: none.
  std::optional<uint32_t> Next(uint64_t number) {
    const uint64_t missing = last_ == 0 || number <= last_ ? 0 : number - last_ - 1;
    last_ = std::max(last_, number);
    if (!overrun_ || missing == 0) return std::nullopt;
    counted_ = true;
    return Clamped(missing);
  }

  // Call when the queue is empty. `newest`: the kernel's newest number; 0 if unknown. Returns how
  // many were lost at the end, 0 if their number is unknown; nullopt: none beyond those counted
  // before.
  std::optional<uint32_t> Dry(uint64_t newest) {
    if (!overrun_) return std::nullopt;
    const uint64_t missing = last_ == 0 || newest <= last_ ? 0 : newest - last_;
    last_ = std::max(last_, newest);
    overrun_ = false;
    if (std::exchange(counted_, false) && missing == 0) return std::nullopt;
    return Clamped(missing);
  }

 private:
  static uint32_t Clamped(uint64_t count) {
    return static_cast<uint32_t>(std::min<uint64_t>(count, UINT32_MAX));
  }

  uint64_t last_;  // 0: none yet
  bool overrun_ = false;
  bool counted_ = false;  // since the overrun
};

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_UEVENT_SEQUENCE_H_
