#ifndef DAEMON_HEALTH_MISSING_H_
#define DAEMON_HEALTH_MISSING_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/container/inlined_vector.h"
#include "daemon/health/finding.h"
#include "daemon/registry/resources.h"

namespace sasd::health {

// The units of one drive, each once, by LUN: a drive with several actuators has as many.
using UnitKeys = absl::InlinedVector<registry::LogicalUnitKey, 1>;

// Something that belongs to the node and is not there. Immutable.
struct Missing {
  registry::ResourceId id;
  registry::ResourceRef last_known;  // never null
  // For an expander and an end device: the port that led to it, at its best; null: not known.
  std::shared_ptr<const registry::Port> port;
  // For an end device: the drive that it led to.
  UnitKeys units;
  Origin since;
};
using MissingPtr = std::shared_ptr<const Missing>;

// What the rules need of the baseline.
struct BaselineView {
  // The best that a port has had, where the registry does not know it any more.
  struct PortBest {
    uint8_t widest = 0;
    LinkRate fastest = LinkRate::kUnknown;
  };

  uint64_t version = 0;
  size_t size = 0;                  // entries, missing ones included
  bool lost = false;                // until it is accepted: finding BASELINE_LOST
  std::vector<MissingPtr> missing;  // ascending by id
  absl::flat_hash_map<PortKey, PortBest> best;
  absl::flat_hash_set<HostKey> settled;  // hosts on which discovery has settled since the start
};

}  // namespace sasd::health

#endif  // DAEMON_HEALTH_MISSING_H_
