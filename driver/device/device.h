#ifndef DRIVER_DEVICE_DEVICE_H_
#define DRIVER_DEVICE_DEVICE_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <tuple>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "driver/base/sas_address.h"
#include "driver/base/strong_id.h"
#include "driver/device/live_count.h"
#include "driver/observation/keys.h"

namespace sasd::device {

// The life of an end device. DeviceTable makes all moves, under its lock:
//
//                  TakeForAttach        CompleteAttach          Block
//   kDiscovered ----------------> kAttaching --------> kAttached <----> kBlocked
//    |  ^  ^    <---------------- |   |                 |      Unblock   |
//    |  |  |      DeferAttach     |   | FailAttach      |                |
//    |  |  |                      |   v                 |                |
//    |  |  `----------------------+- kFailed            |                |
//    |  |          Retry          |   |                 |                |
//    |  `- (a device that is not ours to attach stays kDiscovered; it may go kBlocked and back)
//    |                            |   |                 |                |
//    `--------- BeginRemoval -----+---+-----------------+----------------'
//                                 v
//                             kRemoving ---> kGone
//                                  FinishRemoval
//
// A device never leaves kRemoving or kGone for a living state. If an attach ends after the removal
// began, its result is undone.
enum class LifeState : uint8_t {
  kDiscovered,
  kAttaching,
  kAttached,
  kBlocked,
  kRemoving,
  kGone,
  kFailed,
};
absl::string_view ToString(LifeState state);

// The firmware's report of an end device. A value.
struct DeviceInfo {
  NodeKey key;
  NodeKey parent;
  SasAddress device_name;
  EnclosureKey enclosure;  // 0: none
  DevHandle handle;
  EnclosureHandle enclosure_handle;
  uint16_t slot = 0;  // valid only in an enclosure
  PhyId parent_phy;
  uint8_t initiator_protocols = 0;  // Protocols' bits
  uint8_t target_protocols = 0;
  uint8_t access_status = 0;
  bool has_enclosure_level = false;
  uint8_t enclosure_level = 0;
  std::array<char, 4> connector_name = {};  // NUL-padded

  auto tie() const {
    return std::tie(key, parent, device_name, enclosure, handle, enclosure_handle, slot, parent_phy,
                    initiator_protocols, target_protocols, access_status, has_enclosure_level,
                    enclosure_level, connector_name);
  }
  friend bool operator==(const DeviceInfo& a, const DeviceInfo& b) { return a.tie() == b.tie(); }
  friend bool operator!=(const DeviceInfo& a, const DeviceInfo& b) { return !(a == b); }
};

// An end device. It lives as long as a DeviceRef exists. DeviceTable reads and changes its content,
// under the lock of the table that made it.
class Device : public Counted {
 public:
  Device(LiveCount& live, const DeviceInfo& info) : Counted(live), info_(info) {}

  // Constant.
  const NodeKey& key() const { return info_.key; }

 private:
  friend class DeviceTable;
  enum class List : uint8_t { kNone, kInit, kActive };

  // Guarded by DeviceTable::mu_ (info_.key is constant).
  DeviceInfo info_;
  LifeState state_ = LifeState::kDiscovered;
  LifeState unblocked_state_ = LifeState::kAttached;  // the state after Unblock()
  List list_ = List::kNone;
  bool busy_ = false;            // the firmware is resetting it
  bool reported_ = false;        // to the sink
  bool given_back_ = false;      // its handle, by the removal handshake
  bool reused_ = false;          // its handle, since it was given back
  uint8_t attach_failures_ = 0;  // in a row
  bool retry_wanted_ = false;    // since its attach began
  uint32_t handle_life_ = 0;     // counts the ends of its handles
  uint32_t attach_ = 0;          // counts the attaches that were begun
  uint32_t walk_ = 0;            // the last walk that found it
  uint64_t order_ = 0;           // place on its list
  absl::Duration due_;           // Clock::Monotonic() before which it is not attached
  std::unique_ptr<std::string> failure_;
};

using DeviceRef = std::shared_ptr<Device>;

// A device as it was at one moment.
struct DeviceView {
  DeviceInfo info;
  LifeState state = LifeState::kGone;
  bool busy = false;
  bool given_back = false;  // the firmware may reuse its handle (StartHandshake())
  std::string failure;
};

}  // namespace sasd::device

#endif  // DRIVER_DEVICE_DEVICE_H_
