#ifndef DAEMON_REGISTRY_TOPOLOGY_H_
#define DAEMON_REGISTRY_TOPOLOGY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include "daemon/registry/cow_map.h"
#include "daemon/registry/resources.h"
#include "daemon/registry/source_table.h"

namespace sasd::registry {

// All resources, by kind: the writer's working state, and the content of a snapshot. A copy costs
// eight references. As thread-safe as CowMap.
class Tables {
 public:
  template <typename T>
  const CowMap<T>& of() const {
    return std::get<CowMap<T>>(maps_);
  }
  template <typename T>
  CowMap<T>& of() {
    return std::get<CowMap<T>>(maps_);
  }

 private:
  std::tuple<CowMap<Host>, CowMap<Phy>, CowMap<Port>, CowMap<Expander>, CowMap<EndDevice>,
             CowMap<LogicalUnit>, CowMap<Enclosure>, CowMap<Slot>>
      maps_;
};

// All resources at one revision. Immutable, hence thread-safe. Snapshots share the resources that
// did not change; hold one only as long as needed.
class Topology {
 public:
  // Borrows the sources for its lifetime.
  Topology(Tables tables, int64_t revision, std::string epoch,
           const SourceTable& sources = NodeSources())
      : tables_(std::move(tables)),
        revision_(revision),
        epoch_(std::move(epoch)),
        sources_(sources) {}

  int64_t revision() const { return revision_; }
  const std::string& epoch() const { return epoch_; }
  const SourceTable& sources() const { return sources_; }

  // In the order of keys: Find, Get, LowerBound, UpperBound, size, range-for over
  // shared_ptr<const T>. For paging: UpperBound(last key).
  template <typename T>
  const CowMap<T>& collection() const {
    return tables_.of<T>();
  }
  // Null where there is none.
  template <typename T>
  std::shared_ptr<const T> Get(const typename T::Key& key) const {
    return tables_.of<T>().Get(key);
  }
  // IsNull() where there is none.
  ResourceRef Get(const ResourceId& id) const;
  // Of all kinds.
  size_t size() const;

  // The port of the device's or expander's parent that leads to it; null where not known.
  const Port* PortTo(const NodeKey& parent, SasAddress child) const {
    return collection<Port>().Find({parent, child});
  }

  // Calls `visit(shared_ptr<const T>)` for each resource of kind T of one owner, in key order:
  // phys and ports by owner; expanders and end devices by host; slots by enclosure.
  template <typename Visit>
  void VisitPhysOf(const NodeKey& owner, Visit visit) const;
  template <typename Visit>
  void VisitPortsOf(const NodeKey& owner, Visit visit) const;
  template <typename Visit>
  void VisitSlotsOf(EnclosureKey enclosure, Visit visit) const;
  template <typename Visit>
  void VisitExpandersOf(HostKey host, Visit visit) const;
  template <typename Visit>
  void VisitEndDevicesOf(HostKey host, Visit visit) const;

  // Calls `visit(const ResourceRef&)` for every resource, parents before children (kHost,
  // kEnclosure, kExpander, kPhy, kPort, kEndDevice, kLogicalUnit, kSlot), in key order within a
  // kind.
  template <typename Visit>
  void VisitAll(Visit visit) const;

 private:
  const Tables tables_;
  const int64_t revision_;
  const std::string epoch_;
  const SourceTable& sources_;
};

namespace internal {

// Visits [from, first element for which `mine` is false).
template <typename T, typename Mine, typename Visit>
void VisitRange(const CowMap<T>& map, const typename T::Key& from, Mine mine, Visit visit) {
  for (auto it = map.LowerBound(from); it != map.end() && mine(**it); ++it) visit(*it);
}

}  // namespace internal

template <typename Visit>
void Topology::VisitPhysOf(const NodeKey& owner, Visit visit) const {
  internal::VisitRange(
      collection<Phy>(), {owner, PhyId(0)},
      [&](const Phy& phy) { return phy.facts.key.owner == owner; }, visit);
}

template <typename Visit>
void Topology::VisitPortsOf(const NodeKey& owner, Visit visit) const {
  internal::VisitRange(
      collection<Port>(), {owner, SasAddress(0)},
      [&](const Port& port) { return port.id.owner == owner; }, visit);
}

template <typename Visit>
void Topology::VisitSlotsOf(EnclosureKey enclosure, Visit visit) const {
  internal::VisitRange(
      collection<Slot>(), {enclosure, 0},
      [&](const Slot& slot) { return slot.id.enclosure == enclosure; }, visit);
}

template <typename Visit>
void Topology::VisitExpandersOf(HostKey host, Visit visit) const {
  internal::VisitRange(
      collection<Expander>(), {host, SasAddress(0), PhysicalPort(0)},
      [&](const Expander& expander) { return expander.facts.key.host == host; }, visit);
}

template <typename Visit>
void Topology::VisitEndDevicesOf(HostKey host, Visit visit) const {
  internal::VisitRange(
      collection<EndDevice>(), {host, SasAddress(0), PhysicalPort(0)},
      [&](const EndDevice& device) { return device.facts.key.host == host; }, visit);
}

template <typename Visit>
void Topology::VisitAll(Visit visit) const {
  const auto each = [&visit](const auto& map) {
    for (const auto& resource : map) visit(ResourceRef(resource));
  };
  each(collection<Host>());
  each(collection<Enclosure>());
  each(collection<Expander>());
  each(collection<Phy>());
  each(collection<Port>());
  each(collection<EndDevice>());
  each(collection<LogicalUnit>());
  each(collection<Slot>());
}

// Instantiated in topology.cc: every file that uses them would take long to compile.
extern template class CowMap<Host>;
extern template class CowMap<Phy>;
extern template class CowMap<Port>;
extern template class CowMap<Expander>;
extern template class CowMap<EndDevice>;
extern template class CowMap<LogicalUnit>;
extern template class CowMap<Enclosure>;
extern template class CowMap<Slot>;

}  // namespace sasd::registry

#endif  // DAEMON_REGISTRY_TOPOLOGY_H_
