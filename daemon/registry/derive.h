#ifndef DAEMON_REGISTRY_DERIVE_H_
#define DAEMON_REGISTRY_DERIVE_H_

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/types/span.h"
#include "daemon/registry/derived_memory.h"
#include "daemon/registry/draft_set.h"
#include "daemon/registry/resources.h"
#include "daemon/registry/source_table.h"

namespace sasd::registry {

// Updates the derived resources after the last fact of a batch. Each step uses the ones before:
//   ports <- phys, nodes;  link width and rate of nodes <- ports;  logical units <- end devices;
//   enclosures <- reports, nodes;  slots <- enclosures, end devices;  occupied counts <- slots;
//   the slot's label of end devices and logical units <- slots.
// The cost is O(what the batch changed): it visits drafts, not tables. Only for an owner with a
// changed port it visits all phys of the owner. Lives for one batch.
class Deriver {
 public:
  // Borrows all for its lifetime.
  Deriver(const SourceTable& table, DraftSet& changes, DerivedMemory& memory)
      : table_(table), changes_(changes), memory_(memory) {}

  // For changes other than those of phys and end devices.
  void TouchPort(const PortKey& key) { ports_.insert(key); }
  void TouchSlot(const SlotKey& key) { slots_[key]; }
  void TouchEnclosure(EnclosureKey key) { enclosures_[key]; }

  void Run();

 private:
  using Devices = std::vector<NodeKey>;

  // derive_ports.cc
  void CollectPorts();
  void DerivePorts();
  void DerivePortsOf(const NodeKey& owner, absl::Span<const SasAddress> attached);
  void DerivePort(const PortKey& key, absl::Span<const Phy* const> members);
  void RemovePort(const PortKey& key);
  AttachedNode AttachedOf(const PortKey& key) const;
  void DeriveLinks();
  template <typename T>
  void DeriveLink(const NodeKey& node);

  // derive_units.cc
  void CollectDevices();
  void CollectDevice(const NodeKey& key, const EndDevice* before, const EndDevice* after);
  void CollectExpanders();
  template <typename T>
  void CountMembers(const T* before, const T* after);
  template <typename T>
  void CountMember(const T& member, int change);
  bool IsStale(HostKey host) const;
  // A path of a unit that is being derived.
  struct Member {
    const EndDevice* device;
    UnitPathPtr path;
  };
  // A unit without a wwid.
  void DeriveFallback(const LogicalUnitKey& key, Devices touched);
  // All units of a wwid.
  void DeriveGroup(const Text& wwid, Devices touched);
  void DeriveUnit(const LogicalUnitKey& key, const std::vector<Member>& members, Text identity);
  void SetUnit(Member& member, const LogicalUnitKey& key);

  // derive_labels.cc
  void DeriveLabels();
  template <typename T>
  void DeriveLabelsOf();
  Text LabelOf(const EndDevice& device) const;
  Text LabelOf(const LogicalUnit& unit) const;

  // derive_enclosures.cc
  // `touched`: nodes of its services and expanders that may have come, gone or changed.
  void DeriveEnclosure(EnclosureKey key, Devices touched);
  // Gives an enclosure that shares its identifier the reports from no place.
  void ShareReports(EnclosureKey key);
  void ShareSlots(EnclosureKey key);
  bool IsReportedBy(EnclosureKey key, Source source) const;
  void DeriveIdentity(Enclosure& enclosure, Devices touched) const;
  void DeriveExpanders(Enclosure& enclosure, Devices touched) const;
  void TouchRange(const Enclosure& enclosure);
  void TouchAllSlots(EnclosureKey enclosure);
  void DeriveSlot(const SlotKey& key, Devices touched);
  void CountOccupied();

  // Whether a source of the set proves existence.
  bool Proves(SourceSet sources) const { return table_.proving().HasAny(sources); }

  const SourceTable& table_;
  DraftSet& changes_;
  DerivedMemory& memory_;

  absl::btree_set<PortKey> ports_;
  // With the end devices that may have come or gone. Units without a wwid, and wwids.
  absl::btree_map<LogicalUnitKey, Devices> units_;
  absl::btree_map<Text, Devices> groups_;
  absl::btree_map<SlotKey, Devices> slots_;
  absl::btree_map<EnclosureKey, Devices> enclosures_;
};

// Sorted, without repetitions.
inline std::vector<NodeKey> Unique(std::vector<NodeKey> keys) {
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

}  // namespace sasd::registry

#endif  // DAEMON_REGISTRY_DERIVE_H_
