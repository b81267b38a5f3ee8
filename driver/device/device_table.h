#ifndef DRIVER_DEVICE_DEVICE_TABLE_H_
#define DRIVER_DEVICE_DEVICE_TABLE_H_

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "driver/device/device.h"
#include "driver/device/live_count.h"
#include "driver/observation/keys.h"

namespace sasd::device {

// The end devices of one HBA and the one place where their state changes (see LifeState).
//
// A device stays in the table until it is gone, so lookups find it in every state, also during its
// attach. It is on one list at most: the init list (discovered or attaching), the active list
// (attached or blocked), or none. Every lookup takes its reference inside the lock. A move that the
// device's state does not allow returns false and changes nothing. So the first removal wins, and
// later callers see it.
//
// Thread-safe. Lock order: NodeTable's lock before this one's; nothing is called under it.
class DeviceTable {
 public:
  // If `attaches`, TakeForAttach() offers discovered devices. Otherwise the operating system's own
  // driver attaches them and they stay kDiscovered here. `live` outlives all devices.
  DeviceTable(LiveCount& live, bool attaches) : live_(live), attaches_(attaches) {}
  ~DeviceTable() { Clear(); }

  // Lookups; null if there is none.
  DeviceRef Find(const NodeKey& key) const ABSL_LOCKS_EXCLUDED(mu_);
  DeviceRef FindByHandle(DevHandle handle) const ABSL_LOCKS_EXCLUDED(mu_);
  // The first by key if several share a slot (both ports of a drive). Linear in the table.
  DeviceRef FindBySlot(const SlotKey& slot) const ABSL_LOCKS_EXCLUDED(mu_);
  // Whether any device was read under this enclosure handle. Linear in the table.
  bool HasEnclosure(EnclosureHandle enclosure) const ABSL_LOCKS_EXCLUDED(mu_);
  // The devices attached to `parent`, by parent phy and key.
  std::vector<DeviceRef> ChildrenOf(const NodeKey& parent) const ABSL_LOCKS_EXCLUDED(mu_);

  DeviceView View(const Device& device) const ABSL_LOCKS_EXCLUDED(mu_);

  // The number of handles given back so far. Read it before a page: Add() and Update() take it as
  // the age of the page (`as_of`).
  uint64_t handshakes() const ABSL_LOCKS_EXCLUDED(mu_);
  static constexpr uint64_t kNow = std::numeric_limits<uint64_t>::max();

  // Adds a device: kDiscovered on the init list; with a `failure`, kFailed on no list. It takes
  // over its handle from any other device. If the handle was given back after `as_of`, the new
  // device counts as given back, too. It is not attached before SetReported(). kAlreadyExists if
  // its key is in the table.
  absl::StatusOr<DeviceRef> Add(const DeviceInfo& info, std::string failure = "",
                                uint64_t as_of = kNow) ABSL_LOCKS_EXCLUDED(mu_);

  // Returns the device for a report to the sink, and marks it as reported unless it is being
  // removed or gone. Call it once the removal of an earlier device with the same key is queued for
  // the sink: the device may be attached from then on.
  DeviceView SetReported(Device& device) ABSL_LOCKS_EXCLUDED(mu_);
  bool IsReported(const Device& device) const ABSL_LOCKS_EXCLUDED(mu_);

  // Replaces the content of a device (not its key). True if something changed. False without effect
  // if it is being removed or gone.
  bool Update(Device& device, const DeviceInfo& info, uint64_t as_of = kNow)
      ABSL_LOCKS_EXCLUDED(mu_);

  // An attach in progress. The caller owns the reference.
  struct AttachTicket {
    DeviceRef device;
    DevHandle handle;          // for the commands
    uint32_t handle_life = 0;  // the answers are void once the device has lost this handle
    uint32_t attach = 0;       // and once another attach has begun
  };
  // Takes the next device that is due and has a handle: kDiscovered -> kAttaching. It stays on the
  // init list. nullopt while attaching is paused.
  std::optional<AttachTicket> TakeForAttach(absl::Duration now) ABSL_LOCKS_EXCLUDED(mu_);
  enum class AttachEnd {
    kDone,     // the move was made
    kRetry,    // newer events made it void: the device is kDiscovered again, and due
    kRemoved,  // the device is being removed or gone, or has failed: undo
  };
  // kAttaching -> kAttached, from the init list to the active one.
  AttachEnd CompleteAttach(const AttachTicket& ticket) ABSL_LOCKS_EXCLUDED(mu_);
  // kAttaching -> kFailed, off the init list.
  AttachEnd FailAttach(const AttachTicket& ticket, std::string failure) ABSL_LOCKS_EXCLUDED(mu_);
  // kAttaching -> kDiscovered; not taken before `due`. `count_failure`: counts as one more failure
  // in a row.
  AttachEnd DeferAttach(const AttachTicket& ticket, absl::Duration due, bool count_failure)
      ABSL_LOCKS_EXCLUDED(mu_);
  int attach_failures(const Device& device) const ABSL_LOCKS_EXCLUDED(mu_);
  // ForgetHandles() pauses attaching. This resumes it unless handles were forgotten again since
  // `epoch` was read.
  void ResumeAttach(uint32_t epoch) ABSL_LOCKS_EXCLUDED(mu_);
  // The number of ForgetHandles() calls.
  uint32_t epoch() const ABSL_LOCKS_EXCLUDED(mu_);
  // When the next device can be taken, by Clock::Monotonic(); absl::InfiniteDuration() if none
  // waits.
  absl::Duration NextAttachDue() const ABSL_LOCKS_EXCLUDED(mu_);
  // The number of devices that wait for their attach or are in it, also while attaching is paused.
  size_t attaches_pending() const ABSL_LOCKS_EXCLUDED(mu_);

  // The firmware reported the device again: forgets its failed attaches. kFailed -> kDiscovered. A
  // deferred device is due at once. If an attach in flight fails, it ends with kRetry, because its
  // answer may be older than the report. True if the device was kFailed.
  bool Retry(Device& device) ABSL_LOCKS_EXCLUDED(mu_);
  // Any living state but kRemoving -> kFailed.
  bool Fail(Device& device, std::string failure) ABSL_LOCKS_EXCLUDED(mu_);

  // kAttached (or kDiscovered if the table does not attach) -> kBlocked. Does not block a device
  // whose attach is in flight.
  bool Block(Device& device) ABSL_LOCKS_EXCLUDED(mu_);
  bool Unblock(Device& device) ABSL_LOCKS_EXCLUDED(mu_);
  // The firmware's internal reset of the device has begun or ended. True if that changes something.
  bool SetBusy(Device& device, bool busy) ABSL_LOCKS_EXCLUDED(mu_);
  // The removal handshake with the firmware begins, which gives the device's handle back. An attach
  // in flight ends with kRetry, because another device may have answered it; no new attach begins.
  // True if the handshake is due: the first time, and again after HandleIsReused().
  bool StartHandshake(Device& device) ABSL_LOCKS_EXCLUDED(mu_);
  // The same for the device that has this handle now or is about to be added under it. If no device
  // has it, the handshake is due unless the handle was given back before and not reused since.
  bool StartHandshake(DevHandle handle) ABSL_LOCKS_EXCLUDED(mu_);
  // The firmware has reused a handle, though its old device may still have to be removed. No effect
  // if the handle was not given back.
  void HandleIsReused(DevHandle handle) ABSL_LOCKS_EXCLUDED(mu_);
  // The same for every handle: events are lost, and one of them may have been about its reuse.
  void AnyHandleMayBeReused() ABSL_LOCKS_EXCLUDED(mu_);

  // Any living state -> kRemoving, off its list. False if it is being removed or gone.
  bool BeginRemoval(Device& device) ABSL_LOCKS_EXCLUDED(mu_);
  // kRemoving -> kGone, out of the table. False in any other state.
  bool FinishRemoval(Device& device) ABSL_LOCKS_EXCLUDED(mu_);

  // After a reset: no device has a handle until Update() gives it a new one, attaching is paused,
  // and attaches in flight end with kRetry. Linear in the table.
  void ForgetHandles() ABSL_LOCKS_EXCLUDED(mu_);

  // Marks a device as found by this walk over the hardware.
  void MarkFound(Device& device, uint32_t walk) ABSL_LOCKS_EXCLUDED(mu_);
  // The devices that the walk did not find, by key.
  std::vector<DeviceRef> NotFound(uint32_t walk) const ABSL_LOCKS_EXCLUDED(mu_);

  // Removes all devices; each becomes kGone.
  void Clear() ABSL_LOCKS_EXCLUDED(mu_);

  size_t size() const ABSL_LOCKS_EXCLUDED(mu_);
  size_t init_size() const ABSL_LOCKS_EXCLUDED(mu_);
  size_t active_size() const ABSL_LOCKS_EXCLUDED(mu_);
  // Contradictions between lists, indexes and states; empty if there are none. For tests.
  std::string CheckInvariants() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct KeyHash {
    using is_transparent = void;
    size_t operator()(const NodeKey& key) const { return absl::Hash<NodeKey>()(key); }
    size_t operator()(const DeviceRef& device) const { return (*this)(device->key()); }
  };
  struct KeyEqual {
    using is_transparent = void;
    static const NodeKey& KeyOf(const NodeKey& key) { return key; }
    static const NodeKey& KeyOf(const DeviceRef& device) { return device->key(); }
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return KeyOf(a) == KeyOf(b);
    }
  };
  using Devices = absl::flat_hash_set<DeviceRef, KeyHash, KeyEqual>;
  using List = absl::btree_map<uint64_t, DeviceRef>;

  // The one place where states and lists change.
  bool Transition(Device& device, LifeState from, LifeState to) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Link(Device& device) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Unlink(Device& device) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  DeviceView ViewLocked(const Device& device) const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  // Whether a device on the init list can be taken for its attach once it is due.
  bool Waits(const Device& device) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void IndexHandle(const DeviceRef& device) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void UnindexHandle(const Device& device) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void RemoveFromIndexes(Device& device) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  DeviceRef RefTo(const Device& device) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool StartHandshakeLocked(Device& device) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Gives the device the handle that was read as of `as_of`.
  void TakeHandle(Device& device, uint64_t as_of) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool IsCurrent(const AttachTicket& ticket) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  AttachEnd EndAttach(const AttachTicket& ticket, LifeState to) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Constant.
  LiveCount& live_;
  const bool attaches_;

  mutable absl::Mutex mu_;
  Devices devices_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<DevHandle, DeviceRef> by_handle_ ABSL_GUARDED_BY(mu_);
  struct GivenBack {
    uint64_t handshake = 0;  // of handshakes_
    bool reused = false;     // since then
  };
  // Handles given back under which no device was read since.
  absl::flat_hash_map<DevHandle, GivenBack> given_back_ ABSL_GUARDED_BY(mu_);
  uint64_t handshakes_ ABSL_GUARDED_BY(mu_) = 0;
  // Not owning: every device in here is in devices_, too.
  absl::flat_hash_map<NodeKey, absl::flat_hash_set<Device*>> children_ ABSL_GUARDED_BY(mu_);
  List init_ ABSL_GUARDED_BY(mu_);
  List active_ ABSL_GUARDED_BY(mu_);
  // (due, place on the init list) of each device for which Waits() is true.
  absl::btree_set<std::pair<absl::Duration, uint64_t>> waiting_ ABSL_GUARDED_BY(mu_);
  uint64_t next_order_ ABSL_GUARDED_BY(mu_) = 1;
  uint32_t epoch_ ABSL_GUARDED_BY(mu_) = 0;
  bool attach_paused_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace sasd::device

#endif  // DRIVER_DEVICE_DEVICE_TABLE_H_
