#ifndef DAEMON_HEALTH_COVERAGE_H_
#define DAEMON_HEALTH_COVERAGE_H_

#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "daemon/health/dismissals.h"
#include "daemon/health/finding.h"
#include "daemon/health/missing.h"
#include "daemon/registry/topology.h"

namespace sasd::health {

// What the dismissals cover: their object, all that is reached through it or sits in it, and what
// follows from a covered finding. A drive with two paths is covered if both are. Pure.
class Coverage {
 public:
  // Borrows all for its lifetime. `missing`: ascending by id.
  Coverage(const registry::Topology& topology, absl::Span<const MissingPtr> missing,
           const DismissalMap& dismissals);

  // Sets Finding::dismissal.
  void Mark(std::vector<Finding>& findings) const;

 private:
  // Null where it is not covered. `depth`: bounds a ring of reports that contradict each other.
  DismissalPtr Of(const registry::ResourceId& id, int depth = 0) const;
  DismissalPtr OfNode(const NodeKey& node, int depth) const;
  DismissalPtr OfUnit(const registry::LogicalUnitKey& unit, int depth) const;
  DismissalPtr Direct(const registry::ResourceId& id) const;
  // The state of now, or the last known one; null where neither is known.
  template <typename T>
  const T* Known(const typename T::Key& key) const;

  const registry::Topology& topology_;
  const absl::Span<const MissingPtr> missing_;
  const DismissalMap& dismissals_;
  absl::flat_hash_map<registry::LogicalUnitKey, std::vector<NodeKey>> lost_paths_;
};

}  // namespace sasd::health

#endif  // DAEMON_HEALTH_COVERAGE_H_
