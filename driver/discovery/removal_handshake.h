#ifndef DRIVER_DISCOVERY_REMOVAL_HANDSHAKE_H_
#define DRIVER_DISCOVERY_REMOVAL_HANDSHAKE_H_

#include <atomic>
#include <cstdint>
#include <memory>

#include "driver/base/strong_id.h"
#include "driver/discovery/frame_sender.h"

namespace sasd::discovery {

// The removal handshake, which the firmware expects when a target no longer responds: a target
// reset, then SAS IO UNIT CONTROL "remove device". After it the firmware may reuse the handle. Only
// for an IOC that is ours. It works on handles alone and never touches a device object, so an early
// reuse of a handle does no harm. It waits while no request frame is free, and ends at a host
// reset, which makes the handle void. Thread-safe.
class RemovalHandshake {
 public:
  explicit RemovalHandshake(FrameSender sender);

  void Start(DevHandle handle);
  // Only the first half: a disk that leaves a volume is reset and stays.
  void ResetTarget(DevHandle handle);

  uint64_t completed() const { return completed_->load(std::memory_order_relaxed); }

 private:
  const FrameSender sender_;
  // Shared with the completions, which may outlive this.
  const std::shared_ptr<std::atomic<uint64_t>> completed_;
};

}  // namespace sasd::discovery

#endif  // DRIVER_DISCOVERY_REMOVAL_HANDSHAKE_H_
