#ifndef DRIVER_SYSFS_ENCLOSURE_FACTS_H_
#define DRIVER_SYSFS_ENCLOSURE_FACTS_H_

#include <vector>

#include "driver/base/sas_address.h"
#include "driver/observation/observation.h"
#include "driver/sysfs/host_tree.h"

namespace sasd::sysfs {

struct EnclosureObservations {
  std::vector<EnclosureFacts> enclosures;
  std::vector<SlotFacts> slots;
};

// The enclosures that SES devices show or that devices say they are in, and their slots. Gives an
// end device that does not know its place (mptsas) the one whose component is linked to its SCSI
// device.
//
// An enclosure goes by the identifier that its own end device tells, as its drives do, else by the
// one of the ses driver, else by a local name. Of two SES devices of one enclosure (two modules)
// the first counts. A component without a number is no slot that could be named and is left out; of
// two with one number the first counts. A drive that is linked to a component which the tree does
// not hold (a trimmed recording) gives its own slot that name.
EnclosureObservations EnclosuresOf(SasAddress host, HostTree& tree);

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_ENCLOSURE_FACTS_H_
