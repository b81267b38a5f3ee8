#ifndef DAEMON_REGISTRY_DERIVED_MEMORY_H_
#define DAEMON_REGISTRY_DERIVED_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "daemon/registry/resources.h"
#include "daemon/registry/source_set.h"
#include "daemon/registry/text.h"

namespace sasd::registry {

// What derived resources remember between batches, beside the tables.
struct DerivedMemory {
  // The best width and rate of a port that does not exist at the moment.
  struct PortBest {
    uint8_t widest = 0;
    LinkRate fastest = LinkRate::kUnknown;
  };
  // With so many ports, narrow ones are not remembered any more.
  static constexpr size_t kMaxLostPorts = 65'536;
  absl::flat_hash_map<PortKey, PortBest> lost_ports;
  void RememberLostPort(const Port& port) {
    if (port.widest > 1 || lost_ports.size() < kMaxLostPorts) {
      lost_ports[port.id] = {port.widest, port.fastest};
    }
  }

  // The first units of a wwid that are gone: their identity (LogicalUnit::identity) by wwid. Their
  // keys are not for another unit.
  static constexpr size_t kMaxReserved = 65'536;
  absl::flat_hash_map<Text, Text> reserved;
  void Reserve(const Text& wwid, const Text& identity) {
    if (identity.empty()) return;
    if (reserved.size() < kMaxReserved || reserved.contains(wwid)) reserved[wwid] = identity;
  }

  // How many end devices and expanders each source of each host reports in an enclosure.
  using Members = absl::btree_map<std::pair<HostKey, Source>, int64_t>;
  absl::flat_hash_map<EnclosureKey, Members> members;
  void CountMember(EnclosureKey enclosure, HostKey host, SourceSet sources) {
    for (const Source source : sources) ++members[enclosure][{host, source}];
  }

  // By logical identifier of several enclosures (EnclosureCopies::IsShared): the reports from no
  // place. Each is on all of these enclosures that have members of its source and host.
  absl::flat_hash_map<uint64_t, std::vector<Enclosure::Report>> shared_enclosures;
  // What sources have reported on slots from each place, since several places may show one slot.
  struct PlacedSlot {
    Source source;
    uint16_t slot;
    friend bool operator<(const PlacedSlot& a, const PlacedSlot& b) {
      return std::tie(a.source, a.slot) < std::tie(b.source, b.slot);
    }
  };
  using PlacedSlots = absl::btree_map<PlacedSlot, SlotRecord>;
  absl::flat_hash_map<std::pair<uint64_t, NodeKey>, PlacedSlots> placed_slots;  // by id and place
  // Likewise from no place, by identifier and host. Shared as the reports of shared_enclosures are,
  // those of the lesser host first.
  absl::flat_hash_map<uint64_t, absl::btree_map<HostKey, PlacedSlots>> unplaced_slots;
};

}  // namespace sasd::registry

#endif  // DAEMON_REGISTRY_DERIVED_MEMORY_H_
