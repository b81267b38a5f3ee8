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

// The enclosures that SES devices or other end devices report, and their slots. An end device that
// does not know its slot (mptsas) gets that of the component linked to its SCSI device.
//
// The key of an enclosure is the identifier that its own end device reports, as its drives do; else
// that of the ses driver; else a local name. If two SES devices report one enclosure (two modules),
// the first counts. Components without a number have no key and are left out. If two components
// have one number, the first counts. If a drive links to a component that the tree lacks (a trimmed
// recording), the drive's own slot gets that component's name.
EnclosureObservations EnclosuresOf(HostKey host, HostTree& tree);

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_ENCLOSURE_FACTS_H_
