#ifndef DAEMON_REGISTRY_ENCLOSURE_EVIDENCE_H_
#define DAEMON_REGISTRY_ENCLOSURE_EVIDENCE_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "daemon/registry/enclosure_copies.h"
#include "daemon/registry/topology.h"

namespace sasd::registry {

// Nodes that lead to another enclosure than the one they are in so far.
struct Separation {
  EnclosureKey from;
  std::vector<NodeKey> nodes;  // at least one
  uint8_t copy = 0;            // where they lead to
};

// Looks at a slot for the proof that several enclosures have one logical identifier: two drives in
// one place, of different serial numbers, over two nodes.
// - It is no proof if a drive of the slot has lost a path: the other path may still show the drive
//   that was in the slot before.
// - Nodes that reach one drive lead to one enclosure, though they may number its slots differently
//   (two I/O modules of a shelf). So it is no proof between nodes that such drives link, over any
//   number of them, and linked nodes move together: no drive comes into two enclosures.
// - Nodes move to the copy in which one of their drives is seen already, and before others. Else
//   the node that showed its drive first stays, of two new ones that with the lesser key; the other
//   one leads to a new copy.
// Links over hosts that are stale do not count. Pure: reads the tables. O(devices of the hosts of
// the enclosure), but only for a slot with two drives.
// `before`: the devices that were in the slot before.
std::optional<Separation> FindSeparation(const Tables& tables, const EnclosureCopies& copies,
                                         const Slot& slot, absl::Span<const NodeKey> before);

}  // namespace sasd::registry

#endif  // DAEMON_REGISTRY_ENCLOSURE_EVIDENCE_H_
