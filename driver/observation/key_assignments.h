#ifndef DRIVER_OBSERVATION_KEY_ASSIGNMENTS_H_
#define DRIVER_OBSERVATION_KEY_ASSIGNMENTS_H_

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "absl/types/span.h"
#include "driver/base/sas_address.h"
#include "driver/observation/host_key.h"

namespace sasd {

// A host as a source finds it, before it has a key.
struct PlacedHost {
  SasAddress address;
  HostLocation location;

  auto tie() const { return std::make_tuple(address, location); }
  friend bool operator==(const PlacedHost& a, const PlacedHost& b) { return a.tie() == b.tie(); }
  friend bool operator<(const PlacedHost& a, const PlacedHost& b) { return a.tie() < b.tie(); }
};

// An expander or end device as a source finds it behind a host, before it has a key.
struct PlacedNode {
  SasAddress address;
  // The phys that lead to it, of each port on the way the lowest, from the host on: "0.12.3".
  // Empty: not known.
  std::string path;
};

// Decides which of several hosts with one SAS address has the plain key, and which of several nodes
// with one address behind a host. All sources of a node share one, so that firmware and sysfs give
// one HBA one key. It remembers: neither the order of arrival nor a restart changes a key.
// Implementations are thread-safe and may wait for a disk; do not call them under a lock.
class KeyAssignments {
 public:
  virtual ~KeyAssignments() = default;

  // These are all hosts of the node now, as a source reports that sees all of them (sysfs, a
  // fabric). Call it before KeyOf() for any of them.
  //
  // Of the hosts with one address, each keeps the key that it had at its location. A host at a new
  // location takes the plain key if no host is at the location of the plain key: it is the first
  // one with this address, or the card has moved to another slot. Otherwise its key has its
  // location. If several are new at once, the lowest location counts as the first.
  virtual void SetHosts(absl::Span<const PlacedHost> present) = 0;

  // An HBA is at this location that SetHosts() may not name: one that sasd drives itself. Its key
  // stays there while it is: no host elsewhere counts as the same card in another slot.
  virtual void SetOccupied(HostLocation location, bool occupied) = 0;

  // The key of a host. A host that SetHosts() has not named counts as a new one beside those that
  // it has. A host whose location is not known has the plain key.
  virtual HostKey KeyOf(const PlacedHost& host) = 0;

  // These are all nodes of the host now, as a source reports that sees all of them (sysfs). Returns
  // the number of each: NodeKey::port.
  //
  // Of the nodes with one address, each keeps the number that it had at its path. A node at a new
  // path takes the lowest number whose node is not there: it is the first one with this address, or
  // it has moved. Several new ones do so in their order.
  virtual std::vector<uint8_t> NumbersOf(const HostKey& host,
                                         absl::Span<const PlacedNode> nodes) = 0;

  // The paths of the nodes with this address that NumbersOf() has numbered, by number; empty: the
  // path or the node is not known. For a source that learns of one node after another. Never waits:
  // it may be called under a lock.
  virtual std::vector<std::string> PathsOf(const HostKey& host, SasAddress address) = 0;
};

}  // namespace sasd

#endif  // DRIVER_OBSERVATION_KEY_ASSIGNMENTS_H_
