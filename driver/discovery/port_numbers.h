#ifndef DRIVER_DISCOVERY_PORT_NUMBERS_H_
#define DRIVER_DISCOVERY_PORT_NUMBERS_H_

#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "driver/base/sas_address.h"
#include "driver/base/strong_id.h"
#include "driver/observation/key_assignments.h"
#include "driver/observation/keys.h"
#include "driver/observation/observation.h"

namespace sasd::discovery {

// Numbers the ports of the keys that one host's driver reports, as a PortNumbering says. The
// driver's own tables keep the firmware's numbers: what identifies an object there must not depend
// on what else is known. Thread-compatible.
class PortNumbers {
 public:
  // kByAddress gives a node the number that sysfs gave it, as `keys` knows (borrowed for the
  // lifetime; null: none does). Both sources know through which phy of the host it is reached.
  explicit PortNumbers(PortNumbering numbering, KeyAssignments* keys = nullptr)
      : numbering_(numbering), keys_(keys) {}

  // The lowest phy of the host in each physical port.
  using Roots = absl::flat_hash_map<PhysicalPort, PhyId>;
  void SetRoots(Roots roots) { roots_ = std::move(roots); }

  // Numbers the ports of all keys in one batch. kByAddress frees a node's number when its departure
  // is reported; departures count before the rest of the batch, because a node may move to another
  // port within one batch.
  void Apply(std::vector<Observation>& observations);

 private:
  // At n: the physical port of the node with number n; nullopt: the number is free.
  using Numbers = absl::InlinedVector<std::optional<PhysicalPort>, 1>;
  // Visitors of observations.
  struct Departures;
  struct References;

  // A free number for a node that has none.
  Numbers::iterator NewNumber(const NodeKey& key, Numbers& numbers) const;
  static PhysicalPort NumberAt(const Numbers& numbers, Numbers::const_iterator at);

  const PortNumbering numbering_;
  KeyAssignments* const keys_;
  Roots roots_;
  absl::flat_hash_map<SasAddress, Numbers> numbers_;
};

}  // namespace sasd::discovery

#endif  // DRIVER_DISCOVERY_PORT_NUMBERS_H_
