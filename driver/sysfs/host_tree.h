#ifndef DRIVER_SYSFS_HOST_TREE_H_
#define DRIVER_SYSFS_HOST_TREE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "driver/base/sas_address.h"
#include "driver/observation/observation.h"
#include "driver/sysfs/attribute_text.h"

// The objects of one host that a walk finds, still without keys: the host's key may depend on its
// phys and on the devices attached to them. Indices express the relations of the folders. Plain
// values.
namespace sasd::sysfs {

constexpr int kNone = -1;

struct FoundPhy {
  PhyFacts facts;      // key.phy set, key.owner not yet
  SasAddress address;  // as the phy reports it
  int port = kNone;    // HostTree::ports
  // Not a member of any port that the kernel shows.
  bool portless = true;
  // The kernel reports no link. mpt3sas leaves such a phy in its port
  // (mpt3sas_transport_update_links), but it is not a lane of it.
  bool down = false;

  bool is_lane() const { return port != kNone && !down; }
};

// The host (the first) or an expander.
struct FoundOwner {
  ExpanderFacts facts;  // of an expander; without keys
  SasAddress address;
  int port = kNone;  // HostTree::ports: the parent's port that leads here; kNone: the host
  std::vector<FoundPhy> phys;
};

enum class PortLeadsTo : uint8_t { kNothing, kExpander, kEndDevice, kParent };

struct FoundPort {
  std::string os_name;
  int owner = kNone;  // HostTree::owners
  uint8_t phy_count = 0;
  std::string members;  // the names of its phys: SilentFact::members
  PortLeadsTo leads_to = PortLeadsTo::kNothing;
  int remote = kNone;  // HostTree::owners or ::devices
};

struct FoundSlot {
  std::string name;
  std::optional<uint16_t> number;
  std::string occupant;  // the SCSI device's name; empty: none
};

// An enclosure services device as the ses driver shows it.
struct FoundEnclosure {
  std::string os_name;
  EnclosureKey id;  // 0: unknown
  uint16_t components = 0;
  std::vector<FoundSlot> slots;
};

// A SCSI device beneath an end device.
struct FoundUnit {
  LogicalUnitFacts facts;  // without key
  DevHandle handle;
  DeviceState state = DeviceState::kAttached;
  std::string state_text;
  std::string slot_name;  // of the component that holds it, if linked
  std::optional<FoundEnclosure> enclosure;
};

struct FoundDevice {
  EndDeviceFacts facts;  // without keys
  SasAddress address;
  int port = kNone;  // HostTree::ports
  PathPlace place;   // hpsa, smartpqi
  std::vector<FoundUnit> units;
};

struct HostTree {
  HostFacts facts;     // without key
  SasAddress address;  // host_sas_address; 0: not known
  HostLocation location;
  uint32_t reset_count = 0;
  bool counts_resets = false;  // it has the attribute
  bool in_recovery = false;
  bool has_volumes = false;        // IR volumes of mpt3sas: targets on its channel 1
  std::vector<FoundOwner> owners;  // parents first
  std::vector<FoundPort> ports;
  std::vector<FoundDevice> devices;
};

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_HOST_TREE_H_
