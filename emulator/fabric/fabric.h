#ifndef EMULATOR_FABRIC_FABRIC_H_
#define EMULATOR_FABRIC_FABRIC_H_

#include <cstdint>
#include <string>
#include <vector>

#include "driver/base/endian.h"
#include "driver/base/link_rate.h"
#include "driver/base/sas_address.h"
#include "driver/base/strong_id.h"

// A SAS fabric as built and cabled: hosts, expanders, cables, enclosures, end devices. Plain values
// without behaviour. FabricLoader reads them from a file, FabricBuilder makes synthetic ones,
// ValidateFabric() checks them, and VirtualFabric changes them at run time.
//
// Elements refer to each other by their position in FabricSpec's vectors.
namespace sasd::emulator {

enum class ElementKind : uint8_t { kHost, kExpander, kDevice, kEnclosure };

// "host", "expander", "device", "enclosure".
const char* ToString(ElementKind kind);

constexpr uint32_t kNoIndex = 0xFFFFFFFF;

// A node has phys: a host or an expander.
struct NodeRef {
  bool is_host = false;
  uint32_t index = kNoIndex;

  bool valid() const { return index != kNoIndex; }
  friend bool operator==(NodeRef a, NodeRef b) {
    return a.is_host == b.is_host && a.index == b.index;
  }
  friend bool operator!=(NodeRef a, NodeRef b) { return !(a == b); }
  friend bool operator<(NodeRef a, NodeRef b) {
    return a.is_host != b.is_host ? a.is_host : a.index < b.index;
  }
  template <typename H>
  friend H AbslHashValue(H h, NodeRef r) {
    return H::combine(std::move(h), r.is_host, r.index);
  }
};

struct PhyRef {
  NodeRef node;
  uint8_t phy = 0;
};

// The rates of a phy. All are rates of links (IsLinkUp()); hardware_min <= programmed_min, which is
// at most each of the maxima. A programmed_max above hardware_max is no limit.
struct PhyRates {
  LinkRate hardware_min = LinkRate::k1_5Gbps;
  LinkRate hardware_max = LinkRate::k12Gbps;
  LinkRate programmed_min = LinkRate::k1_5Gbps;   // at the start
  LinkRate programmed_max = LinkRate::k22_5Gbps;  // at the start
};

// The revision of the MPI specification that a board speaks (SAS2: 2.0, SAS3: 2.5, SAS3.5: 2.6).
enum class MpiGeneration : uint8_t { k2_0, k2_5, k2_6 };

struct HostSpec {
  std::string id;
  SasAddress address;
  std::string board_name;        // at most 16 characters, as manufacturing page 0 holds
  std::string chip_name;         // at most 16 characters
  std::string board_assembly;    // at most 16 characters
  std::string firmware_version;  // "16.00.10.00": four numbers of 0..255
  std::string pci_address;
  MpiGeneration generation = MpiGeneration::k2_5;
  uint8_t phy_count = 8;  // 1..32
  LinkRate max_rate = LinkRate::k12Gbps;
  // The firmware reports no handle above this one. It leaves out the devices that do not fit and
  // sets a bit of the discovery status. Not a multiple of 8: mpt3sas has a bitmap of so many bits,
  // and after an expander's "delay not responding" clears the bit behind the last one, where other
  // memory of the kernel may be (_scsih_check_topo_delete_events(), Linux 6.1).
  uint16_t max_dev_handle = 0xFFF;
  uint16_t request_credit = 1024;
  uint8_t reply_frame_dwords = 128;     // bounds the phys of one topology event: (4n-40)/4
  uint16_t report_missing_delay_s = 0;  // SAS IO unit page 1
  uint8_t io_missing_delay_s = 0;       // SAS IO unit page 1
  bool port_per_link = false;           // true: a physical port number per cable; false: 0 for all
  // The order in which the firmware reports a lost cascade: the outermost expander first, or last.
  bool removes_deepest_first = false;
  SasAddress enclosure_logical_id;  // of the enclosure that the board itself forms
  std::vector<PhyRates> phy_rates;  // empty: 1.5 Gbps to max_rate; else one per phy
};

// How an expander phy routes. kAuto follows the cabling: subtractive towards the first host, table
// towards other expanders, direct elsewhere.
enum class PhyRouting : uint8_t { kAuto, kDirect, kSubtractive, kTable };

struct ExpanderSpec {
  std::string id;
  SasAddress address;
  uint8_t phy_count = 0;  // 1..254, virtual phys included
  LinkRate max_rate = LinkRate::k12Gbps;
  uint32_t enclosure = kNoIndex;
  std::string vendor, product, revision;  // 8, 16 and 4 characters
  std::string component_vendor;           // 8 characters
  uint16_t component_id = 0;
  uint8_t component_revision = 0;
  std::vector<PhyRouting> routing;  // empty: all kAuto; else one per phy
  std::vector<PhyRates> phy_rates;  // empty: 1.5 Gbps to max_rate; else one per phy
};

// One lane of a cable or backplane between two nodes.
struct LinkSpec {
  PhyRef a, b;
  LinkRate max_rate = LinkRate::k22_5Gbps;  // the cable's limit
};

struct EnclosureSpec {
  std::string id;
  SasAddress logical_id;
  uint16_t slot_count = 0;
  uint16_t start_slot = 0;
  bool level_valid = false;
  uint8_t level = 0;
  std::vector<std::string> connectors;  // names of at most 4 characters
};

// The properties that drives of one kind share.
struct DeviceModel {
  enum class Protocol : uint8_t { kSsp, kSata };
  enum class Type : uint8_t { kDisk = 0x00, kEnclosure = 0x0D };  // SPC peripheral device type

  Protocol protocol = Protocol::kSsp;
  Type type = Type::kDisk;
  std::string vendor, product, revision;  // 8, 16 and 4 characters
  uint64_t size_bytes = 0;
  uint16_t block_size = 512;
  LinkRate max_rate = LinkRate::k12Gbps;
  bool solid_state = false;
  uint8_t lun_count = 1;  // logical units, each of size_bytes; two: a drive with two actuators

  friend bool operator==(const DeviceModel& a, const DeviceModel& b) {
    return a.protocol == b.protocol && a.type == b.type && a.vendor == b.vendor &&
           a.product == b.product && a.revision == b.revision && a.size_bytes == b.size_bytes &&
           a.block_size == b.block_size && a.max_rate == b.max_rate &&
           a.solid_state == b.solid_state && a.lun_count == b.lun_count;
  }
};

constexpr uint8_t kNoConnector = 0xFF;
constexpr uint8_t kMaxLuns = 8;  // of a device

// An end device: a drive, or an enclosure's SES device. It has one port, or two that are cabled to
// different nodes (dual path).
struct DeviceSpec {
  struct Port {
    PhyRef at;           // where it is plugged in; at.node invalid: no such port
    SasAddress address;  // of a SATA device behind an expander: the expander makes it
  };

  std::string id;
  std::string serial;  // at most 20 characters
  SasAddress name;     // world wide name; also its LUN's NAA identifier
  Port ports[2];
  uint32_t model = 0;  // in FabricSpec::models
  uint32_t enclosure = kNoIndex;
  uint16_t slot = 0;                 // in the enclosure, from start_slot
  uint8_t connector = kNoConnector;  // in EnclosureSpec::connectors
  bool absent = false;               // defined, but not present at the start: an empty slot

  int port_count() const { return ports[1].at.node.valid() ? 2 : 1; }
};

struct FabricSpec {
  std::string name;
  std::string description;
  bool shared_identifiers = false;  // elements of one kind may have one address or logical id
  std::vector<HostSpec> hosts;
  std::vector<ExpanderSpec> expanders;
  std::vector<LinkSpec> links;
  std::vector<EnclosureSpec> enclosures;
  std::vector<DeviceModel> models;
  std::vector<DeviceSpec> devices;
};

// The address that an expander gives to a SATA device at its phy (STP target port). Expanders count
// from their own address with the low 6 bits cleared. Seen on a Supermicro BPN-SAS3-846EL1:
// expander ...f0bf, device at phy 1 ...f081. Expanders of more than 56 phys count on: phy 64 is
// +0x40.
SasAddress StpAddress(SasAddress expander, uint8_t phy);

// The NAA identifier of a device's logical unit, 8 or 16 bytes. The only unit of a device has the
// device's name. Several are named as Seagate's drives with two actuators name theirs: NAA 6, the
// rest of the device's name, and then the LUN ("6000c500ca110000" "0001000000000000").
Bytes UnitNaa(SasAddress name, const DeviceModel& model, uint8_t lun);

}  // namespace sasd::emulator

#endif  // EMULATOR_FABRIC_FABRIC_H_
