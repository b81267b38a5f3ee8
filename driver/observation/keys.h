#ifndef DRIVER_OBSERVATION_KEYS_H_
#define DRIVER_OBSERVATION_KEYS_H_

#include <cstdint>
#include <string>
#include <utility>

#include "driver/base/sas_address.h"
#include "driver/base/strong_id.h"
#include "driver/observation/host_key.h"

namespace sasd {

// The keys of objects: names that the hardware keeps across resets and renumbering.
// Value types; they order, compare and hash. Most sources include this file: comparisons by
// std::tuple would take 1 % of a build.
//
// Identifiers of the hardware are evidence, not truth: two objects may have one SAS address or one
// logical identifier. So each key has, beside the identifier, what tells such objects apart: a
// host its location, a node its `port`, an enclosure its copy(). The first of several has the plain
// key.

// A host (HBA), an expander or an end device as one host reaches it. The host itself is the node
// whose `address` equals the host's. The same address on two ports of a host is legal (multipath),
// and two expanders may have one address, hence `port`. PortNumbering says how it counts.
struct NodeKey {
  HostKey host;
  SasAddress address;
  PhysicalPort port;

  static NodeKey Host(const HostKey& host) { return {host, host.address, PhysicalPort(0)}; }
  bool is_host() const { return address == host.address; }

  friend bool operator==(const NodeKey& a, const NodeKey& b) {
    return a.host == b.host && a.address == b.address && a.port == b.port;
  }
  friend bool operator!=(const NodeKey& a, const NodeKey& b) { return !(a == b); }
  friend bool operator<(const NodeKey& a, const NodeKey& b) {
    if (a.host != b.host) return a.host < b.host;
    if (a.address != b.address) return a.address < b.address;
    return a.port < b.port;
  }
  template <typename H>
  friend H AbslHashValue(H h, const NodeKey& k) {
    return H::combine(std::move(h), k.host, k.address, k.port);
  }
};

// How a driver numbers the ports of the keys that it reports.
enum class PortNumbering : uint8_t {
  kFirmware,  // the firmware's physical ports
  // As sysfs must, which does not show physical ports: 0 for the first node with an address, and
  // counting up for further ones (multipath on one HBA). So a name is the same whether the firmware
  // can be asked or not.
  kByAddress,
};

// A phy of a host or an expander.
struct PhyKey {
  NodeKey owner;
  PhyId phy;

  friend bool operator==(const PhyKey& a, const PhyKey& b) {
    return a.owner == b.owner && a.phy == b.phy;
  }
  friend bool operator!=(const PhyKey& a, const PhyKey& b) { return !(a == b); }
  friend bool operator<(const PhyKey& a, const PhyKey& b) {
    if (a.owner != b.owner) return a.owner < b.owner;
    return a.phy < b.phy;
  }
  template <typename H>
  friend H AbslHashValue(H h, const PhyKey& k) {
    return H::combine(std::move(h), k.owner, k.phy);
  }
};

// A port: the phys of `owner` that lead to the same `attached` SAS address.
struct PortKey {
  NodeKey owner;
  SasAddress attached;

  friend bool operator==(const PortKey& a, const PortKey& b) {
    return a.owner == b.owner && a.attached == b.attached;
  }
  friend bool operator!=(const PortKey& a, const PortKey& b) { return !(a == b); }
  friend bool operator<(const PortKey& a, const PortKey& b) {
    if (a.owner != b.owner) return a.owner < b.owner;
    return a.attached < b.attached;
  }
  template <typename H>
  friend H AbslHashValue(H h, const PortKey& k) {
    return H::combine(std::move(h), k.owner, k.attached);
  }
};

// An enclosure by its logical identifier. All hosts that reach it share this key. Of several
// enclosures with one identifier (cages of unprogrammed expanders) the first has copy 0.
class EnclosureKey {
 public:
  constexpr EnclosureKey() = default;  // none
  constexpr explicit EnclosureKey(uint64_t logical_id, uint8_t copy = 0)
      : logical_id_(logical_id), copy_(copy) {}

  // The logical identifier. 0: none.
  constexpr uint64_t value() const { return logical_id_; }
  constexpr uint8_t copy() const { return copy_; }

  friend bool operator==(EnclosureKey a, EnclosureKey b) {
    return a.logical_id_ == b.logical_id_ && a.copy_ == b.copy_;
  }
  friend bool operator!=(EnclosureKey a, EnclosureKey b) { return !(a == b); }
  friend bool operator<(EnclosureKey a, EnclosureKey b) {
    if (a.logical_id_ != b.logical_id_) return a.logical_id_ < b.logical_id_;
    return a.copy_ < b.copy_;
  }
  template <typename H>
  friend H AbslHashValue(H h, EnclosureKey k) {
    return H::combine(std::move(h), k.logical_id_, k.copy_);
  }

 private:
  uint64_t logical_id_ = 0;
  uint8_t copy_ = 0;
};

// As in resource names: "500304800175f0bf"; "500304800175f0bf-2" for copy 1, because people count
// from 1.
std::string ToText(EnclosureKey enclosure);

// Whether the enclosure is the host itself: the firmware of an HBA names the enclosure that the
// board forms after the board's own address, up to the last digit.
inline bool IsHost(EnclosureKey enclosure, HostKey host) {
  return enclosure.value() >> 4 == host.address.value() >> 4;
}

// A slot of an enclosure, occupied or not.
struct SlotKey {
  EnclosureKey enclosure;
  uint16_t slot = 0;

  friend bool operator==(const SlotKey& a, const SlotKey& b) {
    return a.enclosure == b.enclosure && a.slot == b.slot;
  }
  friend bool operator!=(const SlotKey& a, const SlotKey& b) { return !(a == b); }
  friend bool operator<(const SlotKey& a, const SlotKey& b) {
    if (a.enclosure != b.enclosure) return a.enclosure < b.enclosure;
    return a.slot < b.slot;
  }
  template <typename H>
  friend H AbslHashValue(H h, const SlotKey& k) {
    return H::combine(std::move(h), k.enclosure, k.slot);
  }
};

}  // namespace sasd

#endif  // DRIVER_OBSERVATION_KEYS_H_
