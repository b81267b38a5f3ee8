#ifndef EMULATOR_FABRIC_TRUTH_H_
#define EMULATOR_FABRIC_TRUTH_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "driver/base/link_rate.h"
#include "driver/base/sas_address.h"
#include "driver/base/strong_id.h"

// What one host can reach in the fabric now, as plain values. A driver's and a registry's picture
// must equal it once everything has settled. Calculated from the physical model alone; only the
// handles come from the firmware.
namespace sasd::emulator {

struct TruthPhy {
  PhyId phy;
  LinkRate rate = LinkRate::kUnknown;  // kUnknown: no link; kDisabled: disabled
  SasAddress attached;                 // 0: nothing
  std::optional<PhyId> attached_phy;   // of the other end if it is a host or expander
  bool is_virtual = false;
};

struct TruthExpander {
  std::string id;
  SasAddress address;
  SasAddress parent;               // host or expander
  std::vector<PhyId> parent_phys;  // the parent's phys that lead here, ascending
  PhysicalPort port;
  DevHandle handle;      // 0: the firmware has not reported it
  uint8_t level = 0;     // 1: attached to the host
  SasAddress enclosure;  // logical id; 0: none
  std::string vendor, product, revision;
  std::vector<TruthPhy> phys;
};

struct TruthUnit {
  uint8_t lun = 0;
  std::string wwid;  // as Linux spells it: "naa.5000c500a7b26111"
};

struct TruthDevice {
  std::string id;
  SasAddress address;
  SasAddress parent;
  PhyId parent_phy;
  PhysicalPort port;
  DevHandle handle;  // 0: the firmware has not reported it
  LinkRate rate = LinkRate::kUnknown;
  bool sata = false;
  bool is_ses = false;
  SasAddress enclosure;  // logical id; 0: none
  uint16_t slot = 0;
  uint8_t access_status = 0;  // MPI 2.x; a driver does not attach the device unless it is 0
  std::optional<uint8_t> enclosure_level;
  std::string connector_name;
  SasAddress name;
  std::string vendor, model, serial, revision;
  uint64_t size_bytes = 0;       // of each unit
  std::vector<TruthUnit> units;  // by LUN
};

struct TruthEnclosure {
  std::string id;
  SasAddress logical_id;
  EnclosureHandle handle;  // 0: the firmware has not reported it
  uint16_t slot_count = 0;
  uint16_t start_slot = 0;
};

// Everything about one host.
struct HostTruth {
  std::string id;
  SasAddress address;
  DevHandle handle;
  std::vector<TruthPhy> phys;
  std::vector<TruthExpander> expanders;    // breadth first
  std::vector<TruthDevice> devices;        // breadth first
  std::vector<TruthEnclosure> enclosures;  // in the order of discovery; the board's own first
};

}  // namespace sasd::emulator

#endif  // EMULATOR_FABRIC_TRUTH_H_
