#ifndef DRIVER_DEVICE_NODE_TABLE_H_
#define DRIVER_DEVICE_NODE_TABLE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "driver/base/link_rate.h"
#include "driver/base/sas_address.h"
#include "driver/base/strong_id.h"
#include "driver/device/live_count.h"
#include "driver/observation/keys.h"

namespace sasd::device {

// A phy of the host or of an expander. A value.
struct PhyRecord {
  SasAddress attached;        // 0: nothing, or not known yet whose handle it is
  DevHandle attached_handle;  // 0: nothing
  std::optional<PhyId> attached_phy;
  LinkRate negotiated = LinkRate::kUnknown;
  LinkRate hardware_min = LinkRate::kUnknown, hardware_max = LinkRate::kUnknown;
  LinkRate programmed_min = LinkRate::kUnknown, programmed_max = LinkRate::kUnknown;
  uint8_t routing = 0;  // RoutingAttribute
  bool is_virtual = false;
  bool vacant = false;
  bool attached_is_expander = false;  // as far as a page has said so

  // What is told to the world: all but the handle.
  auto told() const {
    return std::tie(attached, attached_phy, negotiated, hardware_min, hardware_max, programmed_min,
                    programmed_max, routing, is_virtual, vacant);
  }
};

// What is known of an expander beside its phys. A value.
struct ExpanderInfo {
  NodeKey key;
  NodeKey parent;
  DevHandle handle;
  EnclosureKey enclosure;  // 0: none
  EnclosureHandle enclosure_handle;
  uint8_t level = 0;
  std::string vendor, product, revision;

  auto tie() const {
    return std::tie(key, parent, handle, enclosure, enclosure_handle, level, vendor, product,
                    revision);
  }
  friend bool operator==(const ExpanderInfo& a, const ExpanderInfo& b) {
    return a.tie() == b.tie();
  }
  friend bool operator!=(const ExpanderInfo& a, const ExpanderInfo& b) { return !(a == b); }
};

// The host or an expander. It lives as long as somebody holds a NodeRef; its content is read and
// changed through the NodeTable that made it, under that table's lock.
class ExpanderNode : public Counted {
 public:
  ExpanderNode(LiveCount& live, const ExpanderInfo& info, size_t phy_count)
      : Counted(live), info_(info), phys_(phy_count) {}

  // Constant.
  const NodeKey& key() const { return info_.key; }
  size_t phy_count() const { return phys_.size(); }

 private:
  friend class NodeTable;
  // Guarded by NodeTable::mu_ (info_.key and the number of phys are constant).
  ExpanderInfo info_;
  std::vector<PhyRecord> phys_;
  uint32_t walk_ = 0;  // the last walk that found it
  bool told_ = false;  // to the sink
  bool gone_ = false;
};
using NodeRef = std::shared_ptr<ExpanderNode>;

// What the firmware tells of an enclosure. A value.
struct EnclosureInfo {
  EnclosureKey key;
  EnclosureHandle handle;
  uint16_t slot_count = 0;
  uint16_t start_slot = 0;
  std::optional<uint8_t> level;
  DevHandle sep_handle;

  auto tie() const { return std::tie(key, handle, slot_count, start_slot, level, sep_handle); }
  friend bool operator==(const EnclosureInfo& a, const EnclosureInfo& b) {
    return a.tie() == b.tie();
  }
};

class EnclosureEntry : public Counted {
 public:
  EnclosureEntry(LiveCount& live, const EnclosureInfo& info) : Counted(live), info_(info) {}
  EnclosureKey key() const { return info_.key; }  // constant

 private:
  friend class NodeTable;
  // Guarded by NodeTable::mu_ (info_.key is constant).
  EnclosureInfo info_;
  std::vector<EnclosureHandle> handles_;  // those known to lead here
  bool told_ = false;                     // to the sink
  bool gone_ = false;
};
using EnclosureRef = std::shared_ptr<EnclosureEntry>;

// The host, expanders and enclosures of one HBA: its topology above the end devices. What holds for
// DeviceTable holds here: lookups take their reference inside the lock, unlinking is
// idempotent, what was removed stays readable for whoever holds a reference.
//
// Thread-safe; changed by one thread (the event worker). Lock order: this one before DeviceTable's;
// nothing is called under it.
class NodeTable {
 public:
  explicit NodeTable(LiveCount& live) : live_(live) {}

  // Makes the host's node; its key's address is the host. Once, before anything else.
  NodeRef SetHost(SasAddress address, size_t phy_count) ABSL_LOCKS_EXCLUDED(mu_);
  NodeRef host() const ABSL_LOCKS_EXCLUDED(mu_);

  // Lookups; null if there is none. The handles up to the host's number of phys are the host's own.
  NodeRef Find(const NodeKey& key) const ABSL_LOCKS_EXCLUDED(mu_);
  NodeRef FindByHandle(DevHandle handle) const ABSL_LOCKS_EXCLUDED(mu_);
  // Expanders right beneath `parent`, by key.
  std::vector<NodeRef> ExpandersOf(const NodeKey& parent) const ABSL_LOCKS_EXCLUDED(mu_);
  std::vector<NodeRef> Expanders() const ABSL_LOCKS_EXCLUDED(mu_);

  // kAlreadyExists if its key is there.
  absl::StatusOr<NodeRef> AddExpander(const ExpanderInfo& info, size_t phy_count)
      ABSL_LOCKS_EXCLUDED(mu_);
  // Replaces what is known of an expander. True if that differs from before.
  bool UpdateExpander(ExpanderNode& node, const ExpanderInfo& info) ABSL_LOCKS_EXCLUDED(mu_);
  // False if it was removed before.
  bool RemoveExpander(ExpanderNode& node) ABSL_LOCKS_EXCLUDED(mu_);
  ExpanderInfo View(const ExpanderNode& node) const ABSL_LOCKS_EXCLUDED(mu_);
  bool IsGone(const ExpanderNode& node) const ABSL_LOCKS_EXCLUDED(mu_);

  // `phy` is less than the node's phy_count(). SetPhy: true if what is told differs from before.
  PhyRecord Phy(const ExpanderNode& node, PhyId phy) const ABSL_LOCKS_EXCLUDED(mu_);
  bool SetPhy(ExpanderNode& node, PhyId phy, const PhyRecord& record) ABSL_LOCKS_EXCLUDED(mu_);
  // The node's phys with this attached handle, ascending.
  std::vector<PhyId> PhysWithHandle(const ExpanderNode& node, DevHandle handle) const
      ABSL_LOCKS_EXCLUDED(mu_);
  std::vector<PhyId> PhysAttachedTo(const ExpanderNode& node, SasAddress attached) const
      ABSL_LOCKS_EXCLUDED(mu_);

  // The enclosure known by a handle or identifier; null if none.
  EnclosureRef FindEnclosure(EnclosureHandle handle) const ABSL_LOCKS_EXCLUDED(mu_);
  EnclosureRef FindEnclosure(EnclosureKey key) const ABSL_LOCKS_EXCLUDED(mu_);
  // Adds an enclosure, or takes over what is new about it. One enclosure may be known by several
  // handles; it shows the lowest. Sets `changed` if what is told differs from before.
  EnclosureRef PutEnclosure(const EnclosureInfo& info, bool& changed) ABSL_LOCKS_EXCLUDED(mu_);
  // Forgets a handle; the enclosure itself with its last one. Returns the enclosure if it is gone
  // now.
  EnclosureRef RemoveEnclosure(EnclosureHandle handle) ABSL_LOCKS_EXCLUDED(mu_);
  EnclosureInfo View(const EnclosureEntry& enclosure) const ABSL_LOCKS_EXCLUDED(mu_);
  bool IsGone(const EnclosureEntry& enclosure) const ABSL_LOCKS_EXCLUDED(mu_);

  // The sink is told of it: that it is gone will have to be told, too.
  void SetTold(ExpanderNode& node) ABSL_LOCKS_EXCLUDED(mu_);
  void SetTold(EnclosureEntry& enclosure) ABSL_LOCKS_EXCLUDED(mu_);
  bool IsTold(const ExpanderNode& node) const ABSL_LOCKS_EXCLUDED(mu_);
  bool IsTold(const EnclosureEntry& enclosure) const ABSL_LOCKS_EXCLUDED(mu_);

  // A handle that leads to what it does not stand for any more.
  void ForgetHandle(DevHandle handle) ABSL_LOCKS_EXCLUDED(mu_);
  // After a reset: no handle leads anywhere until an update gives a new one.
  void ForgetHandles() ABSL_LOCKS_EXCLUDED(mu_);
  // At the begin of a walk: enclosures' handles are collected anew by PutEnclosure().
  void ForgetEnclosureHandles() ABSL_LOCKS_EXCLUDED(mu_);

  // Walks, see DeviceTable; an enclosure was found if it has a handle again.
  // True if the walk had not found it yet.
  bool MarkFound(ExpanderNode& node, uint32_t walk) ABSL_LOCKS_EXCLUDED(mu_);
  bool WasFound(const ExpanderNode& node, uint32_t walk) const ABSL_LOCKS_EXCLUDED(mu_);
  std::vector<NodeRef> ExpandersNotFound(uint32_t walk) const ABSL_LOCKS_EXCLUDED(mu_);
  std::vector<EnclosureRef> RemoveEnclosuresWithoutHandle() ABSL_LOCKS_EXCLUDED(mu_);

  void Clear() ABSL_LOCKS_EXCLUDED(mu_);
  size_t expander_count() const ABSL_LOCKS_EXCLUDED(mu_);
  size_t enclosure_count() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  bool IsHostHandle(DevHandle handle) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  static void DropHandle(EnclosureEntry& entry, EnclosureHandle handle);

  LiveCount& live_;

  mutable absl::Mutex mu_;
  NodeRef host_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<NodeKey, NodeRef> expanders_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<DevHandle, NodeRef> by_handle_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<EnclosureKey, EnclosureRef> enclosures_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<EnclosureHandle, EnclosureRef> enclosures_by_handle_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sasd::device

#endif  // DRIVER_DEVICE_NODE_TABLE_H_
