#ifndef DAEMON_HEALTH_CAUSE_FINDER_H_
#define DAEMON_HEALTH_CAUSE_FINDER_H_

#include <cstddef>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "daemon/health/missing.h"
#include "daemon/registry/resources.h"

namespace sasd::health {

// Which loss follows from which: an object is gone because something that leads to it is gone. The
// order is host, then expander or the power of an enclosure, then port, drive, path. A loss with no
// such cause is a root. Pure.
class CauseFinder {
 public:
  // Borrows the losses (ascending by id) for its lifetime.
  explicit CauseFinder(absl::Span<const MissingPtr> missing);

  // The index of the loss from which this one follows in the end; its own if it is a root.
  size_t RootOf(size_t index) const { return roots_[index]; }
  // The missing paths of a drive, as indexes.
  absl::Span<const size_t> PathsOf(const registry::LogicalUnitKey& unit) const;

 private:
  using Index = std::optional<size_t>;

  size_t Follow(size_t index) const;
  Index ParentOf(size_t index) const;
  Index ParentOfExpander(const registry::Expander& expander) const;
  Index ParentOfEnclosure(const registry::Enclosure& enclosure) const;
  Index ParentOfPort(const registry::Port& port) const;
  Index ParentOfPath(const Missing& path) const;
  Index ParentOfDrive(const registry::LogicalUnit& unit) const;
  // The first unit of its drive that is missing.
  Index FirstUnitOf(const Missing& path) const;
  // The host, or the expander, that led to a node.
  Index LeadingTo(const NodeKey& parent) const;
  Index Find(const registry::ResourceId& id) const;
  // The later loss of the two.
  size_t Later(size_t a, size_t b) const;

  const absl::Span<const MissingPtr> missing_;
  absl::flat_hash_map<registry::LogicalUnitKey, std::vector<size_t>> paths_;
  absl::flat_hash_map<EnclosureKey, std::vector<size_t>> expanders_;  // by enclosure
  std::vector<size_t> roots_;
};

}  // namespace sasd::health

#endif  // DAEMON_HEALTH_CAUSE_FINDER_H_
