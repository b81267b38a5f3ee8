#ifndef DAEMON_REGISTRY_ENCLOSURE_EVIDENCE_H_
#define DAEMON_REGISTRY_ENCLOSURE_EVIDENCE_H_

#include <cstdint>
#include <optional>

#include "absl/types/span.h"
#include "daemon/registry/enclosure_copies.h"
#include "daemon/registry/topology.h"

namespace sasd::registry {

// A node that leads to another enclosure than the one it is in so far.
struct Separation {
  EnclosureKey from;
  NodeKey node;
  uint8_t copy = 0;  // where it leads to
};

// Looks at a slot for the proof that several enclosures have one logical identifier: two drives in
// one place, of different serial numbers, over two nodes.
// - It is no proof if a drive of the slot has lost a path: the other path may still show the drive
//   that was in the slot before.
// - Two nodes that reach one drive lead to one enclosure, though they may number its slots
//   differently (two I/O modules of a shelf).
// - The node that showed its drive first stays; of two new ones that with the lesser key.
// - The other one leads to the copy in which one of its drives is seen already, else to a new one.
// Pure: reads the tables. O(devices of the two hosts), but only for a slot with two drives.
// `before`: the devices that were in the slot before.
std::optional<Separation> FindSeparation(const Tables& tables, const EnclosureCopies& copies,
                                         const Slot& slot, absl::Span<const NodeKey> before);

}  // namespace sasd::registry

#endif  // DAEMON_REGISTRY_ENCLOSURE_EVIDENCE_H_
