#ifndef EMULATOR_FABRIC_FABRIC_BUILDER_H_
#define EMULATOR_FABRIC_FABRIC_BUILDER_H_

#include <cstdint>

#include "emulator/fabric/fabric.h"

namespace sasd::emulator {

// Makes regular fabrics of any size: each host (x8) feeds expanders in cascades of `depth`, each
// expander is an enclosure of its own with `devices_per_expander` slots (all filled) and an SES
// device. Ids: host "h0", expander and enclosure "h0-x007" and "h0-e007", drive "h0-x007-d012".
//   10,000 devices behind 100 expanders: SyntheticFabric({.hosts = 1, .expanders_per_host = 100,
//                                                         .devices_per_expander = 100})
//   100,000 devices behind 1,000 expanders: 4 hosts, 250 expanders each, 100 devices each.
struct SyntheticFabricOptions {
  int hosts = 1;
  int expanders_per_host = 2;
  int devices_per_expander = 12;  // at most 200
  // Every `sata_every`-th drive is a SATA drive; 0: none.
  int sata_every = 0;
  // True: two hosts reach each drive. Host 2k+1 has its own expanders in the same enclosures and
  // sees the same drives over their second port (`hosts` must then be even).
  bool dual_path = false;
  bool ses = true;  // an SES device per expander (not counted as a device)
  uint16_t report_missing_delay_s = 0;
};

// Valid by construction. With more than 64 expanders per host, the host feeds 8 first-level
// expanders (x1 each) that fan out to the others. Up to 7 are fed directly.
FabricSpec SyntheticFabric(const SyntheticFabricOptions& options);

}  // namespace sasd::emulator

#endif  // EMULATOR_FABRIC_FABRIC_BUILDER_H_
