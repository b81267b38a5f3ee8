#ifndef DAEMON_REGISTRY_UNIT_GROUP_H_
#define DAEMON_REGISTRY_UNIT_GROUP_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "daemon/registry/resources.h"
#include "daemon/registry/text.h"
#include "driver/observation/keys.h"

// Which paths of one wwid lead to the same logical unit. A wwid is evidence, not truth: drives are
// sold that share one.
namespace sasd::registry {

// A path that reports the wwid.
struct GroupPath {
  NodeKey device;
  uint64_t lun = 0;
  Text identity;          // IdentityOf() of its report; empty: not known (yet)
  LogicalUnitKey before;  // the unit that it was a path of; empty: none
  EnclosureKey enclosure;
  std::optional<uint16_t> slot;
  bool one_port = false;  // SATA: the drive has no other address
};

// A unit of the wwid that there is, or was before this batch.
struct GroupUnit {
  LogicalUnitKey key;
  Text identity;  // empty: not known
};

struct GroupName {
  LogicalUnitKey key;
  Text identity;  // that makes it another unit than those beside it; empty: not known
};

// Names the unit of each path, in their order.
// - Paths of one identity are one unit, those of different ones never are. Two LUNs of one device
//   are two units.
// - A path of unknown identity stays with the unit that it was of. A new one joins the only unit
//   that there is, unless it cannot be a path of it: on the same host it sits in another slot of
//   the enclosure, or it is of another SATA drive. Where there are several units it is one of its
//   own.
// - A unit that exists keeps its key. The plain key (LogicalUnitKey::Plain) is for the first unit:
//   the one that has it; else that of identity `reserved`; else, where that is empty, the least of
//   those that came together. So the order in which paths are reported does not matter.
//
// `paths`: ascending by device and LUN.
std::vector<GroupName> NameUnits(const Text& wwid, absl::Span<const GroupPath> paths,
                                 absl::Span<const GroupUnit> units, const Text& reserved);

}  // namespace sasd::registry

#endif  // DAEMON_REGISTRY_UNIT_GROUP_H_
