#ifndef DAEMON_REGISTRY_RESTORED_H_
#define DAEMON_REGISTRY_RESTORED_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/registry/derived_memory.h"
#include "daemon/registry/registry_event.h"
#include "daemon/registry/resources.h"
#include "daemon/registry/source_table.h"
#include "daemon/registry/topology.h"

namespace sasd::registry {

// The picture that a registry starts from: all that clients saw at `revision`. A value.
struct Restored {
  Tables tables;
  DerivedMemory memory;
  // Of each enclosure, the hosts that saw it. Its slots keep their restored reports until the last
  // of them is compared (Registry::Compare).
  absl::flat_hash_map<EnclosureKey, HostList> uncompared;
  int64_t revision = 0;
  // The revisions after `revision` that no event may have; the next event declares them.
  std::optional<RevisionGap> gap;
};

// Makes a Restored of resources that have all that clients see, and no more. It links them to each
// other, and invents what clients do not see: each source of an object has reported all of it, and
// each host of an enclosure, too. All of that goes when the host is compared. Not thread-safe.
class RestoredBuilder {
 public:
  // Borrows the table for its lifetime.
  explicit RestoredBuilder(const SourceTable& table = NodeSources()) : table_(table) {}

  void Add(Host host);
  void Add(Phy phy);
  void Add(Port port);
  void Add(Expander expander);
  // Its units are stand-ins: with the names of the logical units, and of the first unit what
  // SameContent compares.
  void Add(EndDevice device);
  void Add(LogicalUnit unit);
  void Add(Enclosure enclosure);
  // The units of its occupants do not count.
  void Add(Slot slot);
  // A port that does not exist now: it remembers its best width and rate.
  void AddLost(const Port& port) { restored_.memory.RememberLostPort(port); }

  // Call it once. Errors: kDataLoss where the resources contradict each other, or an object has no
  // source that proves existence.
  absl::StatusOr<Restored> Finish();

 private:
  template <typename T>
  void Put(T resource);
  template <typename T>
  void CheckSources(const T& resource, SourceSet sources);
  // Of an enclosure.
  template <typename T>
  void CountMember(const T& node);
  void Fail(absl::Status status);
  void LinkUnits();
  void LinkDevice(EndDevice& device, std::vector<std::shared_ptr<UnitPath>> paths);
  void LinkSlots();
  void LinkEnclosures();
  bool ListsSlots(const Enclosure& enclosure) const;

  const SourceTable& table_;
  Restored restored_;
  absl::Status status_;  // the first error
  absl::btree_map<NodeKey, EndDevice> devices_;
  std::vector<LogicalUnit> units_;
  absl::btree_map<EnclosureKey, Enclosure> enclosures_;
  std::vector<Slot> slots_;
  absl::flat_hash_map<EnclosureKey, int> reported_slots_;
  // With a slot that neither a report nor a device explains, but a range.
  absl::flat_hash_set<EnclosureKey> has_range_;
};

}  // namespace sasd::registry

#endif  // DAEMON_REGISTRY_RESTORED_H_
