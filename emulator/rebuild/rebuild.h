#ifndef EMULATOR_REBUILD_REBUILD_H_
#define EMULATOR_REBUILD_REBUILD_H_

#include <string>
#include <vector>

#include "absl/types/span.h"
#include "driver/sysfs/host_reading.h"
#include "emulator/fabric/fabric.pb.h"

namespace sasd::emulator {

struct Rebuilt {
  Fabric fabric;
  // One line each, with the kernel's name of the object: what the fabric does not have, and what it
  // has that the readings do not show.
  std::vector<std::string> notes;
};

// Makes a fabric of a tree's readings. Of the same objects the firmware of its virtual HBAs reports
// the same addresses, identities, places, links and rates. What two hosts reach is one element if
// it shows itself as one: an expander by its address and a device behind it in common, a drive by
// wwid, serial number and model.
//
// sysfs may not show which phys of an expander lead upwards; the fabric then has free ones there,
// and a note. Ids are the kernel's names with '.' in place of ':'. The fabric may be invalid
// (ValidateFabric()) where the readings contradict themselves.
Rebuilt Rebuild(absl::Span<const sysfs::HostReading> hosts);

}  // namespace sasd::emulator

#endif  // EMULATOR_REBUILD_REBUILD_H_
