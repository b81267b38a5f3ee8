#ifndef DAEMON_REGISTRY_HELD_FACTS_H_
#define DAEMON_REGISTRY_HELD_FACTS_H_

#include <cstddef>
#include <cstdint>
#include <list>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "daemon/registry/resources.h"
#include "daemon/registry/source_table.h"
#include "driver/observation/observation.h"

namespace sasd::registry {

// What the sources have reported of one host since a restart: of each object the last report of
// each source. Memory is bounded by the size of the host. Not thread-safe.
class HeldFacts {
 public:
  // Borrows the table for its lifetime.
  explicit HeldFacts(const SourceTable& table) : table_(table) {}

  // The host had this node before the restart, from these sources. `moving`: it was being attached
  // or removed, or was blocked.
  void AddBaseExpander(const NodeKey& expander, SourceSet sources);
  void AddBaseDevice(const NodeKey& device, SourceSet sources, bool moving);

  // Takes one observation of the host; a notice is none of its facts.
  void Take(Source source, Observation observation);

  bool empty() const { return entries_.empty(); }
  // Expanders and end devices of before that no source has reported.
  int64_t missing() const { return missing_; }
  // End devices that are being attached or removed, or are blocked, and were not before.
  int64_t moving() const { return moving_; }
  // Expanders and end devices that the fabric and the operating system had before, and that one of
  // the two does not report any more.
  int64_t half_gone() const { return half_gone_; }

  // All reports, in their order. Ends the use.
  std::vector<ObservationBatch> TakeBatches();

 private:
  struct Entry {
    Source source;
    Observation observation;
  };
  using Entries = std::list<Entry>;
  // Source, alternative of Observation, object, number of a part of it, place of an enclosure.
  using FactId = std::tuple<Source, size_t, NodeKey, uint64_t, NodeKey>;

  struct Node {
    SourceSet reported_by;
    SourceSet before;
    DeviceState fabric = DeviceState::kDiscovered, system = DeviceState::kDiscovered;
    bool in_base = false;
    bool was_moving = false;
  };
  using NodeId = std::pair<bool, NodeKey>;  // whether it is an end device

  static FactId IdOf(Source source, const Observation& observation);
  template <typename Facts>
  const Facts* Find(Source source, const NodeKey& node) const;
  // Of one source: those of a node; those of all nodes.
  template <typename Facts>
  void EraseAll(Source source, const NodeKey& node);
  void EraseAll(Source source);
  void Erase(const FactId& id);
  void ErasePortTo(Source source, const NodeKey& parent, SasAddress address);

  void Forget(Source source, const HostGone& gone);
  void Forget(Source source, const ExpanderGone& gone);
  void Forget(Source source, const EndDeviceGone& gone);
  void Forget(Source source, const LogicalUnitGone& gone);
  void Forget(Source source, const EnclosureGone& gone);

  // Counts the node as it is now, times `sign`.
  void Count(const NodeId& id, int sign);
  bool IsMoving(const Node& node) const;
  bool IsHalfGone(const Node& node) const;

  const SourceTable& table_;
  Entries entries_;
  absl::btree_map<FactId, Entries::iterator> by_id_;
  absl::flat_hash_map<NodeId, Node> nodes_;
  int64_t missing_ = 0, moving_ = 0, half_gone_ = 0;
};

}  // namespace sasd::registry

#endif  // DAEMON_REGISTRY_HELD_FACTS_H_
