#ifndef DAEMON_HEALTH_EXAMINER_H_
#define DAEMON_HEALTH_EXAMINER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"
#include "daemon/health/dismissals.h"
#include "daemon/health/examine.h"
#include "daemon/health/finding.h"
#include "daemon/health/missing.h"
#include "daemon/health/node_facts.h"
#include "daemon/registry/topology.h"

namespace sasd::health {

struct Examined;

// Examines the node again and again, and each time only what has changed since the time before: the
// places whose resources differ, the places that depend on them (rules.h says on what a rule may
// depend), and those where a rule waits for a time. The report is that of Examine(). One caller at
// a time.
//
// It holds the last topology, with the resources that were replaced since.
class Examiner {
 public:
  Examiner();
  ~Examiner();

  // O(changed log n + missing + findings). The first time, and after a change of a host other than
  // of its discovery, O(n).
  Report Examine(std::shared_ptr<const registry::Topology> topology, BaselineView baseline,
                 const DismissalMap& dismissals, const HealthCriteria& criteria,
                 const NodeFacts& facts = {}, std::vector<Finding> trends = {});

  // How many places the last Examine() examined; for tests.
  size_t examined_places() const { return examined_places_; }

 private:
  // What is examined as a whole.
  struct OwnerPlace {  // a host or an expander with its phys and ports
    NodeKey key;
    friend bool operator<(const OwnerPlace& a, const OwnerPlace& b) { return a.key < b.key; }
  };
  struct DevicePlace {
    NodeKey key;
    friend bool operator<(const DevicePlace& a, const DevicePlace& b) { return a.key < b.key; }
  };
  // The units of an enclosure, or a unit that is in none.
  using Place = std::variant<OwnerPlace, DevicePlace, EnclosureKey, registry::LogicalUnitKey>;
  using Waiting = std::vector<std::pair<registry::ResourceId, absl::Time>>;

  // The place of a unit's findings.
  static Place PlaceOf(const registry::LogicalUnit& unit);
  // The place of what the rules of one kind of place say about a resource.
  Place LinkPlaceOf(const registry::ResourceId& id) const;
  static Place DevicePlaceOf(const registry::ResourceId& id);
  Place UnitPlaceOf(const registry::ResourceId& id) const;

  // Each marks the places to be examined.
  void Compare(const registry::Topology& before, const registry::Topology& after);
  void CompareBaseline(const BaselineView& baseline);
  void MarkHost(const registry::Host* before, const registry::Host* after);
  void MarkParents(const NodeKey& node);
  void MarkLinksOf(const NodeKey& owner);
  void MarkReaders(const absl::flat_hash_map<NodeKey, absl::flat_hash_set<NodeKey>>& readers,
                   const NodeKey& node);
  void MarkUnit(const registry::LogicalUnitKey& key);
  void MarkWaiting(absl::Time now);

  void CountMember(const registry::LogicalUnit* before, const registry::LogicalUnit* after);

  // Examine what is marked, on the part of the topology that this takes.
  void ExamineMarked(const Examined& whole);
  void ExamineAll(const Examined& whole);
  void ExamineLinks(const Examined& whole);
  void ExamineEndDevices(const Examined& whole);
  void ExamineUnits(const Examined& whole);
  template <typename PlaceOfId>
  void Keep(std::vector<Finding> findings, const Waiting& again, PlaceOfId place_of);

  // Adds an owner with all that its rules read, and notes which nodes that are not below it.
  bool IsBelow(const registry::Port& port) const;
  void AddOwner(const NodeKey& owner, registry::Tables& tables);
  void AddLinksOf(const NodeKey& owner, registry::Tables& tables) const;
  void NoteReader(const NodeKey& owner);
  void ForgetReader(const NodeKey& owner);

  std::shared_ptr<const registry::Topology> topology_;
  absl::Duration attach_grace_;
  absl::Time last_ = absl::InfinitePast();
  uint64_t baseline_version_ = 0;

  // Of the last report.
  absl::btree_map<Place, std::vector<Finding>> found_;
  absl::btree_map<Place, absl::Time> again_;  // the earliest time for each place
  absl::flat_hash_map<PortKey, BaselineView::PortBest> best_;
  std::vector<MissingPtr> missing_;
  absl::flat_hash_map<registry::LogicalUnitKey, std::vector<MissingPtr>> lost_paths_;
  absl::flat_hash_map<EnclosureKey, absl::flat_hash_set<registry::LogicalUnitKey>> members_;

  // Owners that read a node which does not have them as its parent: the node alone, or its links
  // too.
  absl::flat_hash_map<NodeKey, absl::flat_hash_set<NodeKey>> node_readers_, link_readers_;
  absl::flat_hash_map<NodeKey, std::vector<NodeKey>> reads_;  // by owner

  // Only during Examine().
  bool all_marked_ = false;
  absl::btree_set<Place> marked_;
  const registry::Topology* before_ = nullptr;
  const registry::Topology* after_ = nullptr;
  size_t examined_places_ = 0;
};

}  // namespace sasd::health

#endif  // DAEMON_HEALTH_EXAMINER_H_
