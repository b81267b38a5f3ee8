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
  bool nothing_attached = false;      // the link is up, and a page says that nothing is there
  bool attached_is_expander = false;  // known from a page

  // The reported fields: all but the handle.
  auto reported() const {
    return std::tie(attached, attached_phy, negotiated, hardware_min, hardware_max, programmed_min,
                    programmed_max, routing, is_virtual, vacant, nothing_attached);
  }
};

// An expander without its phys. A value.
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

// The host or an expander. It lives as long as a NodeRef exists. NodeTable reads and changes its
// content, under the lock of the table that made it.
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
  uint32_t walk_ = 0;      // the last walk that found it
  bool reported_ = false;  // to the sink
  bool gone_ = false;
};
using NodeRef = std::shared_ptr<ExpanderNode>;

// The firmware's report of an enclosure. A value.
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
  std::vector<EnclosureHandle> handles_;  // its handles
  bool reported_ = false;                 // to the sink
  bool gone_ = false;
};
using EnclosureRef = std::shared_ptr<EnclosureEntry>;

// The host, expanders and enclosures of one HBA: its topology above the end devices. As in
// DeviceTable, lookups take their reference inside the lock, unlinking is idempotent, and a removed
// object stays readable through a reference.
//
// Thread-safe; changed by one thread (the event worker). Lock order: this one before DeviceTable's;
// nothing is called under it.
class NodeTable {
 public:
  explicit NodeTable(LiveCount& live) : live_(live) {}

  // Makes the host's node. Called once, before anything else.
  NodeRef SetHost(const HostKey& host, size_t phy_count) ABSL_LOCKS_EXCLUDED(mu_);
  NodeRef host() const ABSL_LOCKS_EXCLUDED(mu_);

  // Lookups; null if there is none. Handles up to the host's number of phys belong to the host.
  NodeRef Find(const NodeKey& key) const ABSL_LOCKS_EXCLUDED(mu_);
  NodeRef FindByHandle(DevHandle handle) const ABSL_LOCKS_EXCLUDED(mu_);
  // The expanders attached directly to `parent`, by key.
  std::vector<NodeRef> ExpandersOf(const NodeKey& parent) const ABSL_LOCKS_EXCLUDED(mu_);
  std::vector<NodeRef> Expanders() const ABSL_LOCKS_EXCLUDED(mu_);

  // kAlreadyExists if its key is in the table.
  absl::StatusOr<NodeRef> AddExpander(const ExpanderInfo& info, size_t phy_count)
      ABSL_LOCKS_EXCLUDED(mu_);
  // Replaces the content of an expander. True if it changed.
  bool UpdateExpander(ExpanderNode& node, const ExpanderInfo& info) ABSL_LOCKS_EXCLUDED(mu_);
  // False if it is removed already.
  bool RemoveExpander(ExpanderNode& node) ABSL_LOCKS_EXCLUDED(mu_);
  ExpanderInfo View(const ExpanderNode& node) const ABSL_LOCKS_EXCLUDED(mu_);
  bool IsGone(const ExpanderNode& node) const ABSL_LOCKS_EXCLUDED(mu_);

  // `phy` is less than the node's phy_count(). SetPhy(): true if reported() changed.
  PhyRecord Phy(const ExpanderNode& node, PhyId phy) const ABSL_LOCKS_EXCLUDED(mu_);
  bool SetPhy(ExpanderNode& node, PhyId phy, const PhyRecord& record) ABSL_LOCKS_EXCLUDED(mu_);
  // The node's phys with this attached handle, ascending.
  std::vector<PhyId> PhysWithHandle(const ExpanderNode& node, DevHandle handle) const
      ABSL_LOCKS_EXCLUDED(mu_);
  std::vector<PhyId> PhysAttachedTo(const ExpanderNode& node, SasAddress attached) const
      ABSL_LOCKS_EXCLUDED(mu_);

  // The enclosure with this handle or identifier; null if there is none.
  EnclosureRef FindEnclosure(EnclosureHandle handle) const ABSL_LOCKS_EXCLUDED(mu_);
  EnclosureRef FindEnclosure(EnclosureKey key) const ABSL_LOCKS_EXCLUDED(mu_);
  // Adds or updates an enclosure. One enclosure may have several handles; it shows the lowest. Sets
  // `changed` if its reported content changed.
  EnclosureRef PutEnclosure(const EnclosureInfo& info, bool& changed) ABSL_LOCKS_EXCLUDED(mu_);
  // Forgets a handle, and with its last handle the enclosure. Returns the enclosure if it is gone
  // now.
  EnclosureRef RemoveEnclosure(EnclosureHandle handle) ABSL_LOCKS_EXCLUDED(mu_);
  EnclosureInfo View(const EnclosureEntry& enclosure) const ABSL_LOCKS_EXCLUDED(mu_);
  bool IsGone(const EnclosureEntry& enclosure) const ABSL_LOCKS_EXCLUDED(mu_);

  // A report of it is queued for the sink, so its removal must be reported, too.
  void SetReported(ExpanderNode& node) ABSL_LOCKS_EXCLUDED(mu_);
  void SetReported(EnclosureEntry& enclosure) ABSL_LOCKS_EXCLUDED(mu_);
  bool IsReported(const ExpanderNode& node) const ABSL_LOCKS_EXCLUDED(mu_);
  bool IsReported(const EnclosureEntry& enclosure) const ABSL_LOCKS_EXCLUDED(mu_);

  // Forgets a handle that now stands for something else.
  void ForgetHandle(DevHandle handle) ABSL_LOCKS_EXCLUDED(mu_);
  // After a reset: no node has a handle until an update gives it a new one.
  void ForgetHandles() ABSL_LOCKS_EXCLUDED(mu_);
  // At the beginning of a walk: PutEnclosure() collects the enclosures' handles again.
  void ForgetEnclosureHandles() ABSL_LOCKS_EXCLUDED(mu_);

  // Walks, see DeviceTable. An enclosure counts as found if it has a handle again. MarkFound():
  // true if the walk had not found the node yet.
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
