#include "daemon/registry/topology.h"

namespace sasd::registry {

template class CowMap<Host>;
template class CowMap<Phy>;
template class CowMap<Port>;
template class CowMap<Expander>;
template class CowMap<EndDevice>;
template class CowMap<LogicalUnit>;
template class CowMap<Enclosure>;
template class CowMap<Slot>;

namespace {

template <typename T>
ResourceRef GetOne(const Topology& topology, const ResourceId& id) {
  return topology.Get<T>(std::get<IndexOf<T>()>(id));
}

}  // namespace

ResourceRef Topology::Get(const ResourceId& id) const {
  switch (KindOf(id)) {
    case ResourceKind::kHost:
      return GetOne<Host>(*this, id);
    case ResourceKind::kPhy:
      return GetOne<Phy>(*this, id);
    case ResourceKind::kPort:
      return GetOne<Port>(*this, id);
    case ResourceKind::kExpander:
      return GetOne<Expander>(*this, id);
    case ResourceKind::kEndDevice:
      return GetOne<EndDevice>(*this, id);
    case ResourceKind::kLogicalUnit:
      return GetOne<LogicalUnit>(*this, id);
    case ResourceKind::kEnclosure:
      return GetOne<Enclosure>(*this, id);
    case ResourceKind::kSlot:
      return GetOne<Slot>(*this, id);
  }
  return ResourceRef();
}

size_t Topology::size() const {
  return collection<Host>().size() + collection<Phy>().size() + collection<Port>().size() +
         collection<Expander>().size() + collection<EndDevice>().size() +
         collection<LogicalUnit>().size() + collection<Enclosure>().size() +
         collection<Slot>().size();
}

}  // namespace sasd::registry
